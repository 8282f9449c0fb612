"""Rows of front ends, and of the codes that they get tokens for."""

from typing import Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, Uuid

from services.sessions.directory.models import STAFF_MEMBER
from services.sessions.metadata import metadata
from shared.database.columns import JsonValue, UtcDateTime

FRONT_END: Final = Table(
    "front_end",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("name", String(200), nullable=False),
    Column("redirect_uris", JsonValue, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_front_end_instance_id", "instance_id"),
)

AUTHORIZATION_CODE: Final = Table(
    "authorization_code",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("front_end_id", ForeignKey(FRONT_END.c.id), nullable=False),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), nullable=False),
    Column("redirect_uri", String(500), nullable=False),
    Column("challenge", String(43), nullable=False),
    Column("nonce", String(200)),
    Column("openid", Boolean, nullable=False),
    Column("authenticated_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    # What came from it. No foreign key: log-ins are forgotten, and a used code must stay a used one.
    Column("log_in_id", Uuid),
    Index("ix_authorization_code_expires_at", "expires_at"),
)
