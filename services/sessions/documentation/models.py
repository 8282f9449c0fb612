"""Rows of rosters and signatures."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint, Uuid

from services.sessions.directory.models import PATIENT, STAFF_MEMBER
from services.sessions.metadata import metadata
from services.sessions.scheduling.models import SESSION
from shared.database.columns import UtcDateTime

ROSTER_ENTRY: Final = Table(
    "roster_entry",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("patient_id", ForeignKey(PATIENT.c.id), primary_key=True),
    Column("session_id", ForeignKey(SESSION.c.id), nullable=False),
    Column("instance_id", Uuid, nullable=False),
    Column("attendance", String(10)),
    Column("minutes", Integer),
    Column("individual_note", Text),
)

# Insert-only: a signature is void when its documentation is, never changed.
SIGNATURE: Final = Table(
    "signature",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", ForeignKey(SESSION.c.id), nullable=False),
    Column("documentation_id", Uuid, nullable=False),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), nullable=False),
    Column("printed_name", String(401), nullable=False),
    Column("credentials", String(100)),
    Column("meaning", String(20), nullable=False),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("document_sha256", String(64), nullable=False),
    UniqueConstraint("documentation_id", "user_id"),
    Index("ix_signature_session_id", "session_id"),
)
