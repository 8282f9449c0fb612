"""What the way in over HTTP takes and gives."""

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.web.shapes import Shape, Storable

Reason = Annotated[Storable, Field(min_length=1, max_length=200)]


class ParkedGroup(Shape):
    """Parked deliveries that failed at one consumer for one reason."""

    id: str
    consumer: str
    event_type: str
    reason: str
    deliveries: int
    oldest_at: datetime
    examples: list[UUID]


class Parked(Shape):
    """All that is parked."""

    groups: list[ParkedGroup]


class TimelineStep(Shape):
    """What happened to a delivery, and when."""

    at: datetime
    what: str
    reason: str | None
    by: str | None


class ShownDelivery(Shape):
    """Where a delivery stands, and how it came there. It has no health data."""

    delivery_id: UUID
    event_id: UUID
    event_type: str
    subject: str
    consumer: str
    state: str
    rings: int
    failures: int
    next_ring_at: datetime | None
    reason: str | None
    timeline: list[TimelineStep]


class Chosen(Shape):
    """Parked deliveries: exactly one of a delivery, a group, or all of them."""

    delivery_id: UUID | None = None
    group: Annotated[Storable, Field(min_length=1, max_length=40)] | None = None
    everything: bool = False

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if sum((self.delivery_id is not None, self.group is not None, self.everything)) != 1:
            message = "say which: one of delivery_id, group and everything"
            raise ValueError(message)
        return self


class Skipping(Chosen):
    """Parked deliveries to leave out, and why. The reason is no place for health data."""

    reason: Reason


class Decided(Shape):
    """How many deliveries it was. A thousand at a time: ask again until it is none."""

    deliveries: int
