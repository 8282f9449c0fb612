"""Sessions before they are held."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID, uuid5


class Status(StrEnum):
    """Where a session stands."""

    UPCOMING = "upcoming"
    IN_PROGRESS = "in_progress"
    PENDING_REVIEW = "pending_review"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class PlannedSession:
    """One occurrence of a template on one date."""

    id: UUID
    template_id: UUID
    location_id: UUID
    held_on: date
    title: str
    starts_at: datetime
    duration_minutes: int
    leader_ids: tuple[UUID, ...]
    topic: str = ""
    description: str = ""
    """What the group note begins with."""
    moved_from: date | None = None
    """The day on which the series has it, when it is held on another."""
    caseload_of: UUID | None = None
    """The therapist whose caseload is the roster (TPL-4)."""


def session_id_of(
    template_id: UUID, on: date, therapist_id: UUID | None = None, *, location_id: UUID | None = None
) -> UUID:
    """Give the id of a template's session: generating twice gives the same sessions (TPL-3).

    `on` is the day on which the series has it, so that a moved session keeps its id; of a caseload
    template each therapist has one; `location_id` is None at the location where the template was made.
    """
    at = f"@{location_id}" if location_id else None
    return uuid5(template_id, "/".join(str(part) for part in (on, therapist_id, at) if part))


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """One patient who is assigned to a session."""

    patient_id: UUID
    assigned_at: datetime
    assignment_id: UUID


@dataclass(frozen=True, kw_only=True)
class Seats:
    """Who has a place in a session, and who waits for one, both in the order of assignment (SCH-6)."""

    seated: tuple[UUID, ...]
    waiting: tuple[UUID, ...]

    def waiting_position_of(self, patient_id: UUID) -> int | None:
        """Give the place in the waiting list, the next one being 1; None: has a place, or is not enrolled."""
        return self.waiting.index(patient_id) + 1 if patient_id in self.waiting else None


def seats_of(enrolled: Iterable[Enrolled], *, capacity: int | None) -> Seats:
    """Give places to who was assigned first; whoever leaves, the first of those waiting moves up (SCH-6).

    A patient who is assigned in several ways counts by the first of them.
    """
    ordered = sorted(enrolled, key=lambda one: (one.assigned_at, one.assignment_id))
    patients = tuple(dict.fromkeys(one.patient_id for one in ordered))
    places = len(patients) if capacity is None else capacity
    return Seats(seated=patients[:places], waiting=patients[places:])
