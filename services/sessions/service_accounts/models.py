"""Rows of service accounts."""

from typing import Final

from sqlalchemy import Column, Index, Integer, String, Table, Uuid

from services.sessions.metadata import metadata
from shared.database.columns import JsonValue, UtcDateTime

SERVICE_ACCOUNT: Final = Table(
    "service_account",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("name", String(200), nullable=False),
    Column("scopes", JsonValue, nullable=False),
    Column("public_key", JsonValue),  # NULL: another issuer makes its tokens
    Column("external_issuer", String(200)),
    Column("external_subject", String(255)),
    Column("version", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Index("ix_service_account_instance_id", "instance_id"),
)

# Whoever overhears one must not use it again (RFC 7523, 3).
CLIENT_ASSERTION: Final = Table(
    "client_assertion",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Index("ix_client_assertion_expires_at", "expires_at"),
)
