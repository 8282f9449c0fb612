"""Rows of sessions, their leaders, and of who is assigned to what."""

from typing import Final

from sqlalchemy import (
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from services.sessions.directory.models import LOCATION, PATIENT, STAFF_MEMBER
from services.sessions.metadata import metadata
from services.sessions.templates.models import SCHEDULE, TEMPLATE
from shared.database.columns import UtcDateTime

SESSION: Final = Table(
    "group_session",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("template_id", ForeignKey(TEMPLATE.c.id), nullable=False),
    Column("location_id", ForeignKey(LOCATION.c.id), nullable=False),
    Column("held_on", Date, nullable=False),  # the date at the location
    Column("title", String(200), nullable=False),
    Column("starts_at", UtcDateTime, nullable=False),
    Column("duration_minutes", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("documentation_id", Uuid),
    Column("started_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("topic", String(200), nullable=False),
    Column("description", Text, nullable=False),
    # The group note is a part of its own: leaders who write other parts never conflict with it (DOC-5).
    Column("note_version", Integer, nullable=False, server_default="1"),
    Column("note_by", Uuid),
    Column("note_at", UtcDateTime),
    UniqueConstraint("template_id", "held_on"),
    Index("ix_group_session_instance_id_location_id_held_on", "instance_id", "location_id", "held_on"),
)

SESSION_LEADER: Final = Table(
    "session_leader",
    metadata,
    Column("session_id", ForeignKey(SESSION.c.id), primary_key=True),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("position", SmallInteger, nullable=False),
)

ASSIGNMENT: Final = Table(
    "schedule_assignment",
    metadata,
    Column("schedule_id", ForeignKey(SCHEDULE.c.id), primary_key=True),
    Column("patient_id", ForeignKey(PATIENT.c.id), primary_key=True),
    Column("starts_on", Date, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("ends_on", Date),
    Index("ix_schedule_assignment_patient_id", "patient_id"),
)
