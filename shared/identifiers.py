"""Keys: UUIDv7 (RFC 9562), so that rows are stored in the order in which they came to be."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Make a key that no other row has."""
    return uuid7()
