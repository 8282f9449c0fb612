"""What the directory answers: described for those who generate clients, served straight from rows."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.events.sheet import Paper
from shared.events.staff import Feature, Role, StaffAccess


class Answer(BaseModel):
    """Tests hold what is served to it: no field is missing, none is left over."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Me(Answer):
    """What a user may do."""

    user_id: UUID
    version: int
    active: bool
    roles: list[Role]
    features: list[Feature]


def me(access: StaffAccess) -> dict[str, Any]:
    """Give `Me` of a member of staff."""
    return access.model_dump(mode="json", exclude={"external", "scopes"})


class LineProblem(Answer):
    """A line that was not imported, and why."""

    line: int
    reason: str


class ImportReport(Answer):
    """What became of the lines of one file."""

    read: int
    changed: int
    unchanged: int
    problems: list[LineProblem]


class LocationAnswer(Answer):
    """A facility."""

    id: UUID
    name: str
    time_zone: str
    organization_id: UUID | None
    paper: Paper | None
    version: int


class StaffAnswer(Answer):
    """A member of staff; roles and features are null until somebody has set them."""

    id: UUID
    npi: str | None
    first_name: str
    last_name: str
    credentials: str | None
    active: bool
    external_issuer: str | None
    external_subject: str | None
    """The issuer's own name for the user, where its access tokens carry one."""
    version: int
    roles: list[Role] | None
    features: list[Feature] | None


class PatientAnswer(Answer):
    """A patient."""

    id: UUID
    mrn: str
    birth_date: date | None
    deceased_on: date | None
    """0001-01-01: known to be dead, not known since when."""
    location_id: UUID | None
    first_name: str
    middle_name: str | None
    last_name: str
    preferred_name: str | None
    admitted_on: date | None
    discharged_on: date | None
    version: int


class CareTeamMemberAnswer(Answer):
    """One who looks after a patient."""

    user_id: UUID
    primary_therapist: bool
    first_name: str
    last_name: str
    credentials: str | None
    active: bool


class CareTeamAnswer(Answer):
    """Who looks after a patient, the Primary Therapist first."""

    members: list[CareTeamMemberAnswer]


class LocationPage(Answer):
    """Some locations, by name."""

    items: list[LocationAnswer]
    next: str | None


class StaffPage(Answer):
    """Some members of staff, by name."""

    items: list[StaffAnswer]
    next: str | None


class PatientPage(Answer):
    """Some patients, by name."""

    items: list[PatientAnswer]
    next: str | None
    unreadable: list[UUID]
    """Patients who may belong here and whose details can't be read: an administrator has to be told."""
