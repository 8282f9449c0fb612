"""The audit trail as a chain: each entry is bound to all before it, and its head is anchored outside."""
