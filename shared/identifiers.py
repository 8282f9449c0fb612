"""Keys: UUIDv7 (RFC 9562), so that rows are stored in the order in which they came to be."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid5, uuid7


def new_id() -> UUID:
    """Make a key that no other row has."""
    return uuid7()


def first_id_at(moment: datetime) -> UUID:
    """Give the smallest key that can have been made at that moment: no later one is smaller."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def named_id(namespace: UUID, name: str) -> UUID:
    """Make the key that a name has within a namespace, always the same one (UUIDv5).

    As the standard library's, in half of its time: a parcel of sessions asks for a thousand of them.
    """
    return uuid5(namespace, name)
