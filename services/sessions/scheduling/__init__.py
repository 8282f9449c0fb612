"""Sessions ahead of time, and who is expected in them."""
