"""The ledger of a service that publishes, and the inbox of one that consumes."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from shared.database.columns import UtcDateTime

EVENT_BODY: Final = "event.body"
"""The place of the sealed envelope; its row is the event's id."""


class DeliveryState(StrEnum):
    """Where a delivery stands. It is never deleted while open or parked."""

    OPEN = "open"
    RECEIPTED = "receipted"
    PARKED = "parked"
    SKIPPED = "skipped"
    """Left out for good: a person decided so."""


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """What was published, and to whom it is still owed."""

    event: Table
    delivery: Table
    step: Table
    """What happened to deliveries beside rings and their last receipt: insert-only."""


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """What was applied here, and what was begun."""

    applied: Table
    attempt: Table


def ledger_tables(metadata: MetaData) -> Ledger:
    """Add the ledger to a publishing service's tables."""
    event = Table(
        "event",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("instance_id", Uuid, nullable=False),
        Column("type", String(120), nullable=False),
        Column("subject", String(80), nullable=False),
        Column("occurred_at", UtcDateTime, nullable=False),
        Column("body", Text, nullable=False),
    )
    delivery = Table(
        "delivery",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("event_id", ForeignKey(event.c.id), nullable=False),
        Column("consumer", String(40), nullable=False),
        Column("state", String(10), nullable=False),
        Column("rings", Integer, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("next_ring_at", UtcDateTime, nullable=False),
        Column("reason", String(200)),
        Column("receipted_at", UtcDateTime),
        UniqueConstraint("event_id", "consumer"),
        # The relay looks at open rows alone, and they are few however long the history grows.
        Index(
            "ix_delivery_open",
            "next_ring_at",
            postgresql_where=text("state = 'open'"),
            sqlite_where=text("state = 'open'"),
        ),
        # They are counted at each look at the metrics, and are fewer still.
        Index(
            "ix_delivery_parked",
            "consumer",
            postgresql_where=text("state = 'parked'"),
            sqlite_where=text("state = 'parked'"),
        ),
    )
    step = Table(
        "delivery_step",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("delivery_id", ForeignKey(delivery.c.id), nullable=False),
        Column("at", UtcDateTime, nullable=False),
        Column("what", String(10), nullable=False),
        Column("reason", String(200)),
        # Null where no person did it.
        Column("done_by", String(80)),
        Index("ix_delivery_step_delivery_id", "delivery_id"),
    )
    return Ledger(event=event, delivery=delivery, step=step)


def inbox_tables(metadata: MetaData) -> Inbox:
    """Add the inbox to a consuming service's tables."""
    applied = Table(
        "inbox",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("consumer", String(40), primary_key=True),
        Column("applied_at", UtcDateTime, nullable=False),
    )
    attempt = Table(
        "inbox_attempt",
        metadata,
        Column("event_id", Uuid, primary_key=True),
        Column("consumer", String(40), primary_key=True),
        Column("attempts", Integer, nullable=False),
    )
    return Inbox(applied=applied, attempt=attempt)
