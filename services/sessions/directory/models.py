"""Rows of people and places."""

from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from services.sessions.metadata import metadata
from shared.database.columns import JsonValue


def _version() -> Column[int]:
    return Column("version", Integer, nullable=False, server_default="1")


def _imported(name: str, *columns: Any) -> Table:
    # `id` is made from the instance and the FHIR id, so that references need no look-up.
    return Table(
        name,
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("instance_id", Uuid, nullable=False),
        *columns,
    )


ORGANIZATION: Final = _imported("organization", Column("name", String(300), nullable=False))

LOCATION: Final = _imported(
    "location",
    Column("name", String(300), nullable=False),
    Column("time_zone", String(64), nullable=False),
    Column("organization_id", Uuid),
    Column("paper", String(6)),  # NULL: what is usual there
    _version(),
    Index("ix_location_instance_id_name", "instance_id", "name"),
)

STAFF_MEMBER: Final = _imported(
    "staff_member",
    Column("npi", String(10)),
    Column("first_name", String(200), nullable=False),
    Column("last_name", String(200), nullable=False),
    Column("credentials", String(100)),
    Column("active", Boolean, nullable=False),
    Column("external_issuer", String(200)),
    Column("external_subject", String(255)),
    _version(),
    Index("ix_staff_member_instance_id_name", "instance_id", "last_name", "first_name", "id"),
    Index("ix_staff_member_instance_id_npi", "instance_id", "npi"),
    Index(
        "uq_staff_member_external_subject",
        "instance_id",
        "external_issuer",
        "external_subject",
        unique=True,
    ),
    # A token may not name its instance.
    Index("ix_staff_member_external_subject", "external_subject"),
)

STAFF_ACCESS: Final = Table(
    "staff_access",
    metadata,
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("roles", JsonValue, nullable=False),
    Column("features", JsonValue, nullable=False),
)

ACCOUNT: Final = Table(
    "account",
    metadata,
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("login", String(200), nullable=False),
    Column("password_hash", Text, nullable=False),
    UniqueConstraint("login"),
)

PATIENT: Final = _imported(
    "patient",
    # Sealed, as is the day of birth; found by what is blind.
    Column("mrn", Text, nullable=False),
    Column("mrn_blind", String(64), nullable=False),
    Column("first_name", Text, nullable=False),
    Column("middle_name", Text),
    Column("last_name", Text, nullable=False),
    Column("preferred_name", Text),
    Column("birth_date", Text),
    Column("deceased_on", Date),
    Column("admitted_on", Date),
    Column("discharged_on", Date),
    Column("location_id", Uuid),
    _version(),
    Index("ix_patient_location_id", "location_id"),
    UniqueConstraint("instance_id", "mrn_blind"),
)

CARE_TEAM_MEMBER: Final = Table(
    "care_team_member",
    metadata,
    Column("patient_id", ForeignKey(PATIENT.c.id), primary_key=True),
    Column("user_id", ForeignKey(STAFF_MEMBER.c.id), primary_key=True),
    Column("instance_id", Uuid, nullable=False),
    Column("primary_therapist", Boolean, nullable=False),
    Index("ix_care_team_member_user_id", "user_id"),
)

# A patient has one Primary Therapist, whoever writes at once.
Index(
    "uq_care_team_member_primary_therapist",
    CARE_TEAM_MEMBER.c.patient_id,
    unique=True,
    postgresql_where=text("primary_therapist"),
    sqlite_where=text("primary_therapist"),
)
