"""Chart notes: one read-only note in each patient's chart."""
