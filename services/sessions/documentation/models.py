"""Rows of rosters, signatures, annotations, and of what was set aside."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
)

from services.sessions.directory.models import PATIENT, STAFF_MEMBER
from services.sessions.metadata import LEDGER, metadata
from services.sessions.scheduling.models import SESSION
from shared.database.columns import JsonValue, UtcDateTime

ROSTER_ENTRY: Final = Table(
    "roster_entry",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("patient_id", ForeignKey(PATIENT.c.id), primary_key=True),
    Column("session_id", ForeignKey(SESSION.c.id), nullable=False),
    Column("instance_id", Uuid, nullable=False),
    Column("attendance", String(10)),
    Column("minutes", Integer),
    Column("arrived_at", UtcDateTime),
    Column("left_at", UtcDateTime),
    Column("absence_reason", Text),  # sealed, as are note and problems
    Column("attendance_version", Integer, nullable=False, server_default="1"),
    Column("attendance_by", Uuid),
    Column("attendance_at", UtcDateTime),
    Column("individual_note", Text),
    Column("has_note", Boolean, nullable=False, server_default=false()),
    Column("problems", Text),
    Column("note_version", Integer, nullable=False, server_default="1"),
    Column("note_by", Uuid),
    Column("note_at", UtcDateTime),
)

# Insert-only: who has led or written, even when somebody else has written every part anew (PERM-6, SIGN-3).
DOCUMENTATION_AUTHOR: Final = Table(
    "documentation_author",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
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
    Column("acknowledged", JsonValue),  # findings that the signer left as they were: ids, places, no text
    UniqueConstraint("documentation_id", "user_id"),
    Index("ix_signature_session_id", "session_id"),
)

# Insert-only: what was signed, under its own digest, so that `verify` can name what differs (SIGN-4).
SIGNED_DOCUMENT: Final = Table(
    "signed_document",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("document", Text, nullable=False),  # RFC 8785, sealed
)

# Insert-only: which event told of a documentation. What is told later repeats its record (SIGN-5).
DISTRIBUTED: Final = Table(
    "distributed_documentation",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("event_id", ForeignKey(LEDGER.event.c.id), nullable=False),
)

# Insert-only. What is named here was signed or set aside: triggers refuse to change its rows (SIGN-4).
FROZEN: Final = Table(
    "frozen_documentation",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("frozen_at", UtcDateTime, nullable=False),
)

# Insert-only. The group note stands here as JSON, sealed; the roster rows stay where they are.
DISCARDED: Final = Table(
    "discarded_documentation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", ForeignKey(SESSION.c.id), nullable=False),
    Column("documentation_id", Uuid, nullable=False),
    Column("how", String(20), nullable=False),
    Column("reason", Text, nullable=False),
    Column("discarded_at", UtcDateTime, nullable=False),
    Column("discarded_by", Uuid, nullable=False),
    Column("status", String(20), nullable=False),
    Column("distributed", Boolean, nullable=False),
    Column("content", Text, nullable=False),
    Index("ix_discarded_documentation_session_id", "session_id"),
)

# Insert-only: text added to one patient's note, signed like the note (SIGN-5).
ANNOTATION: Final = Table(
    "annotation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("documentation_id", Uuid, nullable=False),
    Column("patient_id", ForeignKey(PATIENT.c.id), nullable=False),
    Column("text", Text, nullable=False),  # sealed
    Column("signature_id", Uuid, nullable=False),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), nullable=False),
    Column("printed_name", String(401), nullable=False),
    Column("credentials", String(100)),
    Column("signed_at", UtcDateTime, nullable=False),
    Column("document_sha256", String(64), nullable=False),
    Index("ix_annotation_documentation_id", "documentation_id"),
)

# What printing was asked for ahead, so that it is asked again only when the sheet would differ (PRINT-2).
PREPARED_SHEET: Final = Table(
    "prepared_sheet",
    metadata,
    Column("session_id", ForeignKey(SESSION.c.id), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("facts_sha256", String(64), nullable=False),
    Column("asked_at", UtcDateTime, nullable=False),
)

# Insert-only: what was told once is not told again (DOC-7).
ATTENTION: Final = Table(
    "attention_told",
    metadata,
    Column("session_id", ForeignKey(SESSION.c.id), primary_key=True),
    Column("waiting", String(20), primary_key=True),
    Column("told_for", Uuid, primary_key=True),  # the documentation, or the session while there is none
    Column("instance_id", Uuid, nullable=False),
    Column("told_at", UtcDateTime, nullable=False),
)
