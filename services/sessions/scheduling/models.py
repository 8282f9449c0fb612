"""Rows of sessions, their leaders, and of who is assigned to what."""

from typing import Final

from sqlalchemy import (
    Boolean,
    CheckConstraint,
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
    false,
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
    Column("topic", Text, nullable=False),  # sealed, as is the description
    Column("has_topic", Boolean, nullable=False, server_default=false()),
    Column("description", Text, nullable=False),
    Column("moved_from", Date),  # the day on which the series has it, when it is held on another
    Column("caseload_of", Uuid),  # the therapist of a caseload group (TPL-4)
    # The group note is a part of its own: leaders who write other parts never conflict with it (DOC-5).
    Column("note_version", Integer, nullable=False, server_default="1"),
    Column("note_by", Uuid),
    Column("note_at", UtcDateTime),
    Index("ix_group_session_template_id_held_on", "template_id", "held_on"),
    Index("ix_group_session_instance_id_location_id_held_on", "instance_id", "location_id", "held_on"),
    # Worklists: what is open, the longest waiting first.
    Index("ix_group_session_instance_id_status_starts_at", "instance_id", "status", "starts_at"),
)

SESSION_LEADER: Final = Table(
    "session_leader",
    metadata,
    Column("session_id", ForeignKey(SESSION.c.id), primary_key=True),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("position", SmallInteger, nullable=False),
)

# A patient's place in one of three: a schedule, a group from a date on, a single session (SCH-2, SCH-3).
ASSIGNMENT: Final = Table(
    "assignment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("patient_id", ForeignKey(PATIENT.c.id), nullable=False),
    Column("schedule_id", ForeignKey(SCHEDULE.c.id)),
    Column("template_id", ForeignKey(TEMPLATE.c.id)),
    Column("location_id", Uuid),  # at which location of the group; NULL for the two other kinds
    Column("session_id", ForeignKey(SESSION.c.id)),
    Column("starts_on", Date, nullable=False),
    Column("ends_on", Date),
    Column("assigned_at", UtcDateTime, nullable=False),  # with the id: the order of waiting lists
    Column("version", Integer, nullable=False, server_default="1"),
    CheckConstraint(
        "(CASE WHEN schedule_id IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN template_id IS NULL THEN 0 ELSE 1 END)"
        " + (CASE WHEN session_id IS NULL THEN 0 ELSE 1 END) = 1",
        name="to_one_thing",
    ),
    UniqueConstraint("schedule_id", "patient_id", "starts_on"),
    UniqueConstraint("session_id", "patient_id", "starts_on"),
    Index("ix_assignment_patient_id", "patient_id"),
    Index(
        "uq_assignment_template_at_location",
        "template_id",
        "location_id",
        "patient_id",
        "starts_on",
        unique=True,
    ),
)

# An address that shows one calendar to whoever knows it, until it is revoked (SCH-7).
CALENDAR_FEED: Final = Table(
    "calendar_feed",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("token_sha256", String(64), nullable=False),
    Column("patient_id", ForeignKey(PATIENT.c.id)),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id)),
    Column("made_at", UtcDateTime, nullable=False),
    UniqueConstraint("token_sha256"),
)
