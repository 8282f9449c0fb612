"""Rows of group session templates and schedule templates."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    Time,
    Uuid,
    false,
    text,
)

from services.sessions.directory.models import LOCATION
from services.sessions.metadata import metadata
from shared.database.columns import JsonValue, UtcDateTime

TEMPLATE: Final = Table(
    "group_session_template",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("location_id", ForeignKey(LOCATION.c.id), nullable=False),  # where it was made: `home_id`
    Column("title", String(200), nullable=False),
    Column("description", Text, nullable=False),
    Column("first_on", Date, nullable=False),
    Column("starts_at", Time, nullable=False),  # wall-clock time of the location
    Column("duration_minutes", Integer, nullable=False),
    Column("recurrence", String(500)),
    Column("leader_ids", JsonValue, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("notes_required", Boolean, nullable=False),
    Column("billing", JsonValue),
    Column("caseload", Boolean, nullable=False, server_default=false()),
    Column("topic", String(200), nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("capacity", Integer),
    Column("modality", String(20), nullable=False, server_default="in_person"),
    Column("link", String(500)),
    Column("exceptions", JsonValue, nullable=False, server_default=text("'[]'")),
    Column("deleted_at", UtcDateTime),  # kept for what was documented
    Column("version", Integer, nullable=False, server_default="1"),
    Index("ix_group_session_template_instance_id_location_id", "instance_id", "location_id"),
)

TEMPLATE_LOCATION: Final = Table(
    "template_location",
    metadata,
    Column("template_id", ForeignKey(TEMPLATE.c.id), primary_key=True),
    Column("location_id", ForeignKey(LOCATION.c.id), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Index("ix_template_location_location_id", "location_id"),
)

# One occurrence that is not as the series says, at one location (TPL-5).
OCCURRENCE_CHANGE: Final = Table(
    "changed_occurrence",
    metadata,
    Column("template_id", ForeignKey(TEMPLATE.c.id), primary_key=True),
    Column("location_id", ForeignKey(LOCATION.c.id), primary_key=True),
    Column("on", Date, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("moved_to", Date),  # NULL: cancelled
    Column("starts_at", Time),
)

SCHEDULE: Final = Table(
    "schedule_template",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("location_id", ForeignKey(LOCATION.c.id), nullable=False),
    Column("title", String(200), nullable=False),
    Column("deleted_at", UtcDateTime),
    Column("version", Integer, nullable=False, server_default="1"),
)

SCHEDULE_OCCURRENCE: Final = Table(
    "schedule_occurrence",
    metadata,
    Column("schedule_id", ForeignKey(SCHEDULE.c.id), primary_key=True),
    Column("template_id", ForeignKey(TEMPLATE.c.id), primary_key=True),
    Column("weekday", SmallInteger, primary_key=True),  # ISO 8601: Monday is 1
    Column("instance_id", Uuid, nullable=False),
)
