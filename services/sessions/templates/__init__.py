"""What groups are: templates, and schedules made of their weekly occurrences."""
