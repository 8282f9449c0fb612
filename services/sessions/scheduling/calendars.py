"""A patient's and a leader's groups as an iCalendar feed (SCH-7, RFC 5545)."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from icalendar import Calendar, Event
from sqlalchemy import delete, insert, select

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.permissions import Action, may
from services.sessions.directory.repository import load_access, load_patients
from services.sessions.directory.use_cases import access_of, permit
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.models import CALENDAR_FEED
from services.sessions.scheduling.views import sessions_of_leader, sessions_of_patient
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.cursors import Page, past
from shared.web.identity import Identity
from shared.web.problems import ForbiddenProblem, NotFoundProblem

TOKEN_BYTES: Final = 32
SHOWN_BACK: Final = timedelta(days=1)
SHOWN_AHEAD: Final = timedelta(days=366)
REFRESHED_EVERY: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class NewAddress:
    """A feed and the token of its address, which is shown this once: its hash alone is kept."""

    feed_id: UUID
    token: str


async def open_feed(
    database: Database, identity: Identity, *, patient_id: UUID | None, clock: Clock
) -> NewAddress:
    """Make an address of a patient's calendar, or of the caller's own."""
    made = NewAddress(feed_id=new_id(), token=secrets.token_urlsafe(TOKEN_BYTES))
    async with database.writing(identity.instance_id) as db:
        await _permit(db, identity, patient_id)
        await require_group_sessions(db)
        if patient_id is not None:
            await load_patients(db, [patient_id])
        values = {
            "id": made.feed_id,
            "instance_id": db.instance_id,
            "token_sha256": _hash(made.token),
            "patient_id": patient_id,
            "user_id": identity.user_id if patient_id is None else None,
            "made_at": clock(),
        }
        await db.execute(insert(CALENDAR_FEED).values(values))
        await _record(
            db, identity.user_id, "calendar_feed.opened", made.feed_id, patient_id=patient_id, at=clock()
        )
    return made


async def list_feeds(
    database: Database, identity: Identity, *, patient_id: UUID | None, cursor: str | None, limit: int
) -> Page:
    """List the feeds of a patient, or the caller's own, without their addresses."""
    feed = CALENDAR_FEED
    async with database.reading(identity.instance_id) as db:
        await _permit(db, identity, patient_id)
        mine = feed.c.user_id == identity.user_id if patient_id is None else feed.c.patient_id == patient_id
        statement = db.rows_of(feed, feed.c.id, feed.c.made_at).where(mine)
        if cursor is not None:
            statement = statement.where(past(cursor, [feed.c.id]))
        rows = await db.records(statement.order_by(feed.c.id).limit(limit + 1))
    return Page.of(rows, limit=limit, keys=["id"])


async def revoke_feed(database: Database, identity: Identity, feed_id: UUID, *, clock: Clock) -> None:
    """Let an address show nothing from now on."""
    feed = CALENDAR_FEED
    async with database.writing(identity.instance_id) as db:
        row = await db.one_or_none(db.rows_of(feed).where(feed.c.id == feed_id))
        if row is None:
            await access_of(db, identity)
            raise NotFoundProblem("There is no such calendar feed.")
        await _permit(db, identity, row.patient_id)
        if row.user_id not in {None, identity.user_id}:
            raise ForbiddenProblem("A calendar feed of staff is revoked by the one whose calendar it is.")
        await db.execute(delete(feed).where(feed.c.id == feed_id, feed.c.instance_id == db.instance_id))
        await _record(
            db, identity.user_id, "calendar_feed.revoked", feed_id, patient_id=row.patient_id, at=clock()
        )


async def _permit(db: Transaction, identity: Identity, patient_id: UUID | None) -> None:
    await permit(db, identity, Action.SEE_SESSIONS if patient_id is None else Action.ASSIGN_SCHEDULES)


async def read_feed(database: Database, token: str, *, clock: Clock) -> bytes:
    """Give the calendar behind an address; raises `NotFoundProblem` when it was revoked or never was."""
    feed, now = CALENDAR_FEED, clock()
    async with database.reading_for_all() as connection:
        # The one look-up that does not know its instance yet.
        row = (
            await connection.execute(select(feed).where(feed.c.token_sha256 == _hash(token)))
        ).one_or_none()
    if row is None:
        raise NotFoundProblem("There is no such calendar.")
    days = {"since": (now - SHOWN_BACK).date(), "until": (now + SHOWN_AHEAD).date()}
    async with database.writing(row.instance_id) as db:
        await require_group_sessions(db)
        if row.patient_id is not None:
            sessions = await sessions_of_patient(db, row.patient_id, **days)
        else:
            await _require_still_sees(db, row.user_id)
            sessions = await sessions_of_leader(db, row.user_id, **days)
        await _record(db, row.user_id, "calendar.seen", row.id, patient_id=row.patient_id, at=now)
    return calendar_of(sessions, now=now)


async def _require_still_sees(db: Transaction, user_id: UUID) -> None:
    access = (await load_access(db, [user_id])).get(user_id)
    if access is None or not may(access, Action.SEE_SESSIONS):
        raise NotFoundProblem("There is no such calendar.")


def calendar_of(sessions: Sequence[Mapping[str, Any]], *, now: datetime) -> bytes:
    """Write sessions as iCalendar: titles, times and places, and no person at all.

    Times are UTC, which every client shows as its own; a place in a waiting list is tentative.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//OpenCircle//Group sessions//EN")
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", "Group sessions")
    calendar.add("refresh-interval", REFRESHED_EVERY, parameters={"VALUE": "DURATION"})
    for one in sessions:
        event = Event()
        event.add("uid", f"{one['id']}@opencircle")
        event.add("dtstamp", now.astimezone(UTC))
        event.add("dtstart", one["starts_at"].astimezone(UTC))
        event.add("duration", timedelta(minutes=one["duration_minutes"]))
        event.add("summary", one["title"])
        event.add("location", one["location_name"])
        event.add("status", "TENTATIVE" if one.get("waiting_position") else "CONFIRMED")
        if one["link"]:
            event.add("url", one["link"])
        calendar.add_component(event)
    return bytes(calendar.to_ical())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def _record(
    db: Transaction,
    user_id: UUID | None,
    action: str,
    subject: UUID,
    *,
    patient_id: UUID | None,
    at: datetime,
) -> None:
    await record_access(
        db, TRAIL, at=at, user_id=user_id, action=action, subject=subject, patient_id=patient_id
    )
