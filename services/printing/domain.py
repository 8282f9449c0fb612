"""What a print job is, and who may see one. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID, uuid5

from shared.events.staff import Feature, Role


class JobStatus(StrEnum):
    """What the requester sees (PRINT-5)."""

    QUEUED = "queued"
    RENDERING = "rendering"
    READY = "ready"
    FAILED = "failed"


UNFINISHED: Final = (JobStatus.QUEUED, JobStatus.RENDERING)


class Kind(StrEnum):
    """What is printed."""

    SIGN_IN_SHEET = "sign_in_sheet"
    SIGN_IN_SHEETS = "sign_in_sheets"
    """Of several sessions, in one file (PRINT-2)."""
    ATTENDANCE_RECORD = "attendance_record"
    CHART_NOTE = "chart_note"


SHEETS: Final = (Kind.SIGN_IN_SHEET, Kind.SIGN_IN_SHEETS)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Any one of these roles or features is enough."""

    roles: frozenset[Role]
    features: frozenset[Feature] = frozenset()


_SESSIONS: Final = frozenset(
    {Role.SUPER_ADMIN, Role.RECORDS_ADMIN, Role.THERAPIST, Role.CASE_MANAGER, Role.OTHER_THERAPIST}
)

PRINTS: Final = Grant(
    roles=_SESSIONS | {Role.FRONT_OFFICE}, features=frozenset({Feature.MANAGE_GROUP_SESSIONS})
)
"""Who may see print jobs and their sheets: those who handle group sessions, or the table they are laid on."""

MAY_SEE: Final[Mapping[Kind, Grant]] = {
    Kind.SIGN_IN_SHEET: PRINTS,
    Kind.SIGN_IN_SHEETS: PRINTS,
    # Full names of a whole group: who may see the session itself.
    Kind.ATTENDANCE_RECORD: Grant(
        roles=_SESSIONS,
        features=frozenset({Feature.MANAGE_GROUP_SESSIONS, Feature.REVIEW_GROUP_SESSIONS}),
    ),
    # PERM-7: who reads charts.
    Kind.CHART_NOTE: Grant(roles=_SESSIONS | {Role.DOCTOR, Role.NURSE, Role.TECH}),
}


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """Something to be printed. What a record or a note says is kept once, with its documentation."""

    id: UUID
    instance_id: UUID
    kind: Kind
    requested_at: datetime
    session_id: UUID
    """Of several sheets the first one's."""
    sheet: Mapping[str, Any]
    """The facts of sheets; empty for records and notes."""
    documentation_id: UUID | None = None
    patient_id: UUID | None = None


MAY_SEE_SOME: Final = Grant(
    roles=frozenset(role for one in MAY_SEE.values() for role in one.roles),
    features=frozenset(feature for one in MAY_SEE.values() for feature in one.features),
)
"""Everybody else learns nothing of jobs, not even which there are."""


def record_job_id(documentation_id: UUID) -> UUID:
    """Give the print job of a documentation's attendance record: the same however often it is asked for."""
    return uuid5(documentation_id, Kind.ATTENDANCE_RECORD)


def note_job_id(documentation_id: UUID, patient_id: UUID) -> UUID:
    """Give the print job of one patient's note of a documentation."""
    return uuid5(documentation_id, f"{Kind.CHART_NOTE}/{patient_id}")


@dataclass(frozen=True, kw_only=True)
class PrintedFile:
    """A finished PDF, as the job remembers it."""

    storage_key: str
    byte_size: int
    sha256: str
    """In hex."""
    pages: int
    warnings: tuple[str, ...] = ()
    """What a person should know who holds the paper; no patient is named."""
    content_sha256: str | None = None
    """Of what is printed on sheets: the next one with the same need not be made."""


@dataclass(frozen=True, kw_only=True)
class PrintFailure:
    """Why there is no PDF and never will be one for this job."""

    reason: str
    """A class of error and a place in our code; never data."""
