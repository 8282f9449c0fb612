"""Settings of an instance (SET)."""
