"""The API's shapes of generation and assignment."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.web.shapes import Day, Shape

HORIZON_DAYS_AT_MOST = 366


class Horizon(Shape):
    """The days for which sessions are made, both included."""

    since: Day
    until: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not 0 <= (self.until - self.since).days <= HORIZON_DAYS_AT_MOST:
            message = f"until must be since or later, by {HORIZON_DAYS_AT_MOST} days at most"
            raise ValueError(message)
        return self


class _Days(Shape):
    starts_on: Day | None = None
    """Left out: today at the location."""
    ends_on: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.starts_on is not None and self.ends_on is not None and self.ends_on < self.starts_on:
            message = "ends_on must be starts_on or later"
            raise ValueError(message)
        return self


Patients = Annotated[tuple[UUID, ...], Field(min_length=1, max_length=500)]
Things = Annotated[tuple[UUID, ...], Field(max_length=50)]


class NewAssignment(_Days):
    """Patients who get a schedule from a date on (SCH-2)."""

    patient_ids: Patients


class NewAssignments(_Days):
    """Patients, and the schedules, groups and single sessions that they get together (SCH-2, SCH-3)."""

    patient_ids: Patients
    schedule_ids: Things = ()
    template_ids: Things = ()
    location_id: UUID | None = None
    """At which location of the groups; needed when one of them meets at several."""
    session_ids: Things = ()

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.schedule_ids or self.template_ids or self.session_ids):
            message = "name at least one of schedule_ids, template_ids, session_ids"
            raise ValueError(message)
        if self.location_id is not None and not self.template_ids:
            message = "location_id says where groups are meant; schedules and sessions have their own"
            raise ValueError(message)
        return self


class NewEnd(Shape):
    """The last day of an assignment; null: it has no end."""

    ends_on: Day | None


class NewFeed(Shape):
    """Whose calendar it is; left out: the caller's own."""

    patient_id: UUID | None = None
