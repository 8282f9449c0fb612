"""What travels through the broker: parcels of deliveries one way, receipts the other."""

from enum import StrEnum
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

DELIVER_TASK: Final = "opencircle.deliver"
RECEIPTS_TASK: Final = "opencircle.receipts"


class Message(BaseModel):
    """A sealed message's content."""

    model_config = ConfigDict(frozen=True)


class Delivery(Message):
    """One event for one consumer, rung for the `ring`th time."""

    delivery_id: UUID
    event_id: UUID
    type: str
    ring: int
    body: str
    """The envelope as it was published, JSON."""


class Parcel(Message):
    """Deliveries that travel in one task; their receipts go to the queue `receipts_to`."""

    receipts_to: str
    deliveries: tuple[Delivery, ...]


class Verdict(StrEnum):
    """How a delivery ended at the consumer: the two kinds of error are retry, or never."""

    APPLIED = "applied"
    TRANSIENT = "transient"
    PERMANENT = "permanent"


class Receipt(Message):
    """The consumer's word on one delivery."""

    delivery_id: UUID
    verdict: Verdict
    reason: str | None = None
    """A class of error and a place in our code; never data."""


class Receipts(Message):
    """Receipts that travel in one task."""

    receipts: tuple[Receipt, ...]


def receipts_queue(service: str) -> str:
    """Name the queue on which a publishing service takes receipts."""
    return f"{service}.receipts"
