"""Engines, transactions and the few places where PostgreSQL and SQLite differ."""
