"""Rows of instances and their settings."""

from typing import Final

from sqlalchemy import Boolean, Column, Integer, String, Table, Uuid

from services.sessions.metadata import metadata

INSTANCE: Final = Table(
    "instance",
    metadata,
    Column("instance_id", Uuid, primary_key=True),
    Column("name", String(200), nullable=False),
    Column("use_group_sessions", Boolean, nullable=False),
    Column("view_individual_group_sessions", Boolean, nullable=False),
    Column("show_attendance_in_chart", Boolean, nullable=False),
    Column("show_preferred_name", Boolean, nullable=False),
    Column("integrated_billing", String(40)),
    Column("version", Integer, nullable=False),
)
