"""What all services agree on, and nothing of what any one of them does."""
