"""Rows of emergency access."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Table, Text, Uuid

from services.sessions.directory.models import PATIENT, STAFF_MEMBER
from services.sessions.metadata import metadata
from shared.database.columns import UtcDateTime

EMERGENCY_ACCESS: Final = Table(
    "emergency_access",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), nullable=False),
    Column("patient_id", ForeignKey(PATIENT.c.id), nullable=False),
    Column("reason", Text, nullable=False),  # sealed
    Column("opened_at", UtcDateTime, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Column("reviewed_by", Uuid),
    Column("reviewed_at", UtcDateTime),
    Index("ix_emergency_access_instance_id", "instance_id", "id"),
)
