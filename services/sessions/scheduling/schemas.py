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


class NewAssignment(Shape):
    """Patients who get a schedule from a date on (SCH-2)."""

    patient_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=500)]
    starts_on: Day
    ends_on: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ends_on is not None and self.ends_on < self.starts_on:
            message = "ends_on must be starts_on or later"
            raise ValueError(message)
        return self
