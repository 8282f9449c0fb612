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
)

from services.sessions.directory.models import LOCATION
from services.sessions.metadata import metadata
from shared.database.columns import JsonValue

TEMPLATE: Final = Table(
    "group_session_template",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("location_id", ForeignKey(LOCATION.c.id), nullable=False),
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
    Index("ix_group_session_template_instance_id_location_id", "instance_id", "location_id"),
)

SCHEDULE: Final = Table(
    "schedule_template",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("location_id", ForeignKey(LOCATION.c.id), nullable=False),
    Column("title", String(200), nullable=False),
)

SCHEDULE_OCCURRENCE: Final = Table(
    "schedule_occurrence",
    metadata,
    Column("schedule_id", ForeignKey(SCHEDULE.c.id), primary_key=True),
    Column("template_id", ForeignKey(TEMPLATE.c.id), primary_key=True),
    Column("weekday", SmallInteger, primary_key=True),  # ISO 8601: Monday is 1
    Column("instance_id", Uuid, nullable=False),
)
