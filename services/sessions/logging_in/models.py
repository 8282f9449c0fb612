"""Rows of the built-in issuer: log-ins, what they are renewed by, and what failed."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Uuid

from services.sessions.directory.models import STAFF_MEMBER
from services.sessions.metadata import metadata
from shared.database.columns import UtcDateTime

LOG_IN: Final = Table(
    "log_in",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), nullable=False),
    Column("authenticated_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    # NULL: a client that knew the password itself. No foreign key: SQLite adds none to a table that is there.
    Column("front_end_id", Uuid),
    Index("ix_log_in_user_id", "user_id"),
)

REFRESH_TOKEN: Final = Table(
    "refresh_token",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("log_in_id", ForeignKey(LOG_IN.c.id, ondelete="CASCADE"), nullable=False),
    # A used one is kept: who shows it again has stolen it, or was stolen from.
    Column("used", Boolean, nullable=False),
    Index("ix_refresh_token_log_in_id", "log_in_id"),
)

# Of no instance: what is counted is a text that somebody typed, or an address, and belongs to nobody yet.
FAILED_LOG_IN: Final = Table(
    "failed_log_in",
    metadata,
    Column("id", Uuid, primary_key=True),  # made from the login, or from the address
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Index("ix_failed_log_in_last_at", "last_at"),
)
