"""The tables of the charts service. Notes, and what is said of them later, are written once (DIST-2)."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.database.audit import audit_table
from shared.database.columns import UtcDateTime, new_metadata
from shared.database.fields import data_key_table
from shared.messaging.tables import inbox_tables
from shared.web.idempotency import idempotency_table
from shared.web.instance_settings import instance_settings_table
from shared.web.staff_access import staff_access_table

metadata = new_metadata()

inbox = inbox_tables(metadata)
data_key = data_key_table(metadata)
staff_access = staff_access_table(metadata)
instance_settings = instance_settings_table(metadata)
# Why it was read, if it was said: a code of HL7's PurposeOfUse, never free text.
audit_entry = audit_table(metadata, Column("purpose", String(16)))
idempotency_key = idempotency_table(metadata)

# What the emergency accesses of the directory's service let users read, until when.
emergency_access = Table(
    "emergency_access",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("until", UtcDateTime, nullable=False),
    Index("ix_emergency_access_user_id_patient_id", "user_id", "patient_id"),
)

chart_note = Table(
    "chart_note",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("patient_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("documentation_id", Uuid, nullable=False),
    Column("held_at", UtcDateTime, nullable=False),
    Column("group_title", Text, nullable=False),
    Column("attendance", String(10), nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("filed_at", UtcDateTime, nullable=False),
    # Sealed: the note as it is served, byte for byte. Nothing between the signatures and the reader
    # rewrites it.
    Column("content", Text, nullable=False),
    # Of the group; null in notes that were filed before groups were counted (SET-4).
    Column("template_id", Uuid),
    UniqueConstraint("documentation_id", "patient_id"),
    Index("ix_chart_note_patient", "instance_id", "patient_id", "held_at", "id"),
    Index("ix_chart_note_session", "instance_id", "session_id"),
)

# What all notes of one documentation have in common and lists are searched by.
chart_documentation = Table(
    "chart_documentation",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    # Of the record. A newer documentation of the session makes an older one void, told of or not (DIST-5).
    Column("version", Integer, nullable=False),
    Column("location_id", Uuid, nullable=False),
    # The date of service: the day at the location.
    Column("held_on", Date, nullable=False),
    # The last signature.
    Column("signed_at", UtcDateTime, nullable=False),
    # Ids with a space between them: asked only of notes that one chart has already narrowed down.
    Column("leader_ids", Text, nullable=False),
    Index("ix_chart_documentation_session", "instance_id", "session_id", "version"),
)

# No foreign keys: an annotation and a retraction may arrive before the notes that they speak of.
chart_note_annotation = Table(
    "chart_note_annotation",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("note_id", Uuid, nullable=False),
    Column("annotated_at", UtcDateTime, nullable=False),
    # Text and signature as they are served, byte for byte.
    Column("content", Text, nullable=False),
    Index("ix_chart_note_annotation_note", "note_id", "annotated_at"),
)

chart_note_retraction = Table(
    "chart_note_retraction",
    metadata,
    Column("documentation_id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("session_id", Uuid, nullable=False),
    Column("retracted_at", UtcDateTime, nullable=False),
    Column("retracted_by", Uuid, nullable=False),
    # When, by whom and why, as it is served.
    Column("content", Text, nullable=False),
)

chart_tab = Table(
    "chart_tab",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("position", Integer, nullable=False),
    # The locations whose patients have the tab; none: all.
    Column("location_ids", JSON, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_chart_tab_instance_id", "instance_id", "position"),
    # One tab of this kind (TAB-3), whoever else creates one at the same moment.
    Index(
        "uq_chart_tab_group_sessions",
        "instance_id",
        unique=True,
        postgresql_where=text("kind = 'group_sessions'"),
        sqlite_where=text("kind = 'group_sessions'"),
    ),
)
