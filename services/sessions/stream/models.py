"""Rows of the live stream: one for each change of a session, numbered after its commit."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, UniqueConstraint, Uuid, text

from services.sessions.metadata import metadata
from shared.database.columns import JsonValue, UtcDateTime

SESSION_CHANGE: Final = Table(
    "session_change",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("part", String(20)),  # NULL: the row tells that the session waits for somebody
    Column("status", String(20)),
    Column("version", Integer),
    Column("waiting", String(20)),
    Column("user_ids", JsonValue),  # for whom it waits
    Column("position", BigInteger),  # NULL until it is numbered
    Column("numbered_at", UtcDateTime),
    UniqueConstraint("instance_id", "position"),
    Index(
        "ix_session_change_unnumbered",
        "instance_id",
        "id",
        postgresql_where=text("position IS NULL"),
        sqlite_where=text("position IS NULL"),
    ),
    Index("ix_session_change_instance_id_numbered_at", "instance_id", "numbered_at"),
)

# Whoever numbers an instance's changes holds its row: numbers become visible in their order.
STREAM_COUNTER: Final = Table(
    "stream_counter",
    metadata,
    Column("instance_id", Uuid, primary_key=True),
    Column("last", BigInteger, nullable=False),
)
