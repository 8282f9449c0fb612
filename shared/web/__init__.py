"""How every service speaks HTTP: problems, identity, ETags, middleware."""
