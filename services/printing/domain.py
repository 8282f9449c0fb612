"""What a print job is, and who may see one. Plain Python."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.events.staff import Feature, Role


class JobStatus(StrEnum):
    """What the requester sees (PRINT-5)."""

    QUEUED = "queued"
    RENDERING = "rendering"
    READY = "ready"
    FAILED = "failed"


UNFINISHED: Final = (JobStatus.QUEUED, JobStatus.RENDERING)

PRINTS_ROLES: Final = frozenset(
    {
        Role.SUPER_ADMIN,
        Role.RECORDS_ADMIN,
        Role.THERAPIST,
        Role.CASE_MANAGER,
        Role.OTHER_THERAPIST,
        Role.FRONT_OFFICE,
    }
)
PRINTS_FEATURES: Final = frozenset({Feature.MANAGE_GROUP_SESSIONS})
"""Who may see print jobs and their sheets: those who handle group sessions, or the table they are laid on."""


@dataclass(frozen=True, kw_only=True)
class PrintedFile:
    """A finished PDF, as the job remembers it."""

    storage_key: str
    byte_size: int
    sha256: str
    """In hex."""
    pages: int


@dataclass(frozen=True, kw_only=True)
class PrintFailure:
    """Why there is no PDF and never will be one for this job."""

    reason: str
    """A class of error and a place in our code; never data."""
