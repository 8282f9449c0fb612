"""Group sessions: directory, templates, schedules, documentation and signatures."""
