"""The database is the ledger, the broker is a doorbell.

An event is committed with what it tells of, or not at all. It is delivered again until the
consumer's own database has recorded it. A consumer applies it once.
"""
