"""The day view: a location's sessions of one date, in the groups in which staff work through them (DOC-1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Select, Uuid, bindparam, case, func, select

from services.sessions.directory.models import LOCATION, STAFF_MEMBER
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_location
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.models import ROSTER_ENTRY
from services.sessions.documentation.showing import (
    OF_INSTANCE,
    Look,
    Versions,
    one_text,
    one_text_of_all,
    show,
)
from services.sessions.documentation.views import leaders_of
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.enrolment import enrolled_counts
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.sealed_columns import GROUP_NOTES
from services.sessions.templates.models import TEMPLATE
from shared.clock import Clock
from shared.database.transactions import Database, Transaction
from shared.web.bodies import json_bytes
from shared.web.identity import Identity
from shared.web.kept_bodies import Kept, KeptBodies

GROUPS: Final[Mapping[str, frozenset[Status]]] = {
    "upcoming": frozenset({Status.UPCOMING}),
    "in_progress_or_completed": frozenset({Status.IN_PROGRESS, Status.COMPLETED}),
    "pending_review": frozenset({Status.PENDING_REVIEW}),
    # Of its own: shown, because somebody may still come to it, and in nobody's way.
    "cancelled": frozenset({Status.CANCELLED}),
}


@dataclass(frozen=True, kw_only=True)
class DayFilter:
    """Which sessions of the day are wanted; None: all."""

    leader_id: UUID | None = None
    template_id: UUID | None = None
    statuses: Sequence[Status] | None = None

    def conditions(self, db: Transaction) -> list[ColumnElement[bool]]:
        """Give what it says, of SESSION."""
        wanted: list[ColumnElement[bool]] = []
        if self.leader_id is not None:
            led = select(SESSION_LEADER.c.session_id).where(
                SESSION_LEADER.c.user_id == self.leader_id, SESSION_LEADER.c.instance_id == db.instance_id
            )
            wanted.append(SESSION.c.id.in_(led))
        if self.template_id is not None:
            wanted.append(SESSION.c.template_id == self.template_id)
        if self.statuses is not None:
            wanted.append(SESSION.c.status.in_([one.value for one in self.statuses]))
        return wanted


async def read_day(
    database: Database,
    identity: Identity,
    bodies: KeptBodies,
    *,
    location_id: UUID,
    held_on: date | None,
    only: DayFilter,
    clock: Clock,
) -> Kept:
    """Give a location's sessions of a date, by default today's there, with times of its zone (DOC-1).

    Raises `ForbiddenProblem` and `NotFoundProblem`.
    """
    now = clock()
    day = held_on or await _today(database, identity, location_id, now)
    look = Look(
        versions=_VERSIONS if only == DayFilter() else None,
        place={"of_location": location_id, "of_day": day},
        action="day.seen",
        subject=location_id,
    )

    async def read(db: Transaction, versions: Versions) -> Kept:
        body = await _day(db, location_id=location_id, held_on=day, only=only)
        return Kept(body=json_bytes(body), versions=versions)

    return await show(database, identity, bodies, look, read, at=now)


async def _today(database: Database, identity: Identity, location_id: UUID, now: datetime) -> date:
    async with database.reading(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        location = await load_location(db, location_id)
    return now.astimezone(ZoneInfo(location.time_zone)).date()


async def _day(db: Transaction, *, location_id: UUID, held_on: date, only: DayFilter) -> dict[str, Any]:
    location = await load_location(db, location_id)
    zone = ZoneInfo(location.time_zone)
    sessions = await _sessions(db, location_id=location_id, held_on=held_on, only=only)
    leaders = await leaders_of(db, [one["id"] for one in sessions])
    rows = [
        one | {"starts_at": one["starts_at"].astimezone(zone), "leaders": leaders.get(one["id"], [])}
        for one in sessions
    ]
    groups = {name: [one for one in rows if one["status"] in statuses] for name, statuses in GROUPS.items()}
    return {"location_id": location_id, "date": held_on, "time_zone": location.time_zone} | groups


async def _sessions(
    db: Transaction, *, location_id: UUID, held_on: date, only: DayFilter
) -> list[dict[str, Any]]:
    that_day = (SESSION.c.location_id == location_id, SESSION.c.held_on == held_on, *only.conditions(db))
    expected = enrolled_counts(
        db.instance_id, SESSION.c.status == Status.UPCOMING.value, *that_day
    ).subquery()
    enrolled, capacity = func.coalesce(expected.c.enrolled, 0), TEMPLATE.c.capacity
    with_a_place = case((enrolled > capacity, capacity), else_=enrolled)
    size = case((SESSION.c.documentation_id.is_(None), with_a_place), else_=_on_roster(db))
    names = ("id", "template_id", "title", "topic", "status", "starts_at", "duration_minutes", "version")
    statement = (
        db.rows_of(
            SESSION,
            *(SESSION.c[name] for name in names),
            TEMPLATE.c.modality,
            capacity,
            size.label("roster_size"),
        )
        .join(TEMPLATE, TEMPLATE.c.id == SESSION.c.template_id)
        .outerjoin(expected, expected.c.session_id == SESSION.c.id)
        .where(*that_day)
        .order_by(SESSION.c.starts_at, SESSION.c.title, SESSION.c.id)
    )
    return [GROUP_NOTES.opened(db.fields, row) for row in await db.records(statement)]


def _on_roster(db: Transaction) -> Any:
    # Counted by the session's key: a join with all counts would read every roster there ever was.
    return (
        select(func.count())
        .where(
            ROSTER_ENTRY.c.documentation_id == SESSION.c.documentation_id,
            ROSTER_ENTRY.c.instance_id == db.instance_id,
        )
        .correlate(SESSION)
        .scalar_subquery()
    )


_THAT_DAY: Final = (
    SESSION.c.instance_id == OF_INSTANCE,
    SESSION.c.location_id == bindparam("of_location", type_=Uuid()),
    SESSION.c.held_on == bindparam("of_day", type_=Date()),
)


def _of_sessions() -> ColumnElement[Any]:
    # How many are on the roster of one that has started changes with its version.
    expected = enrolled_counts(OF_INSTANCE, SESSION.c.status == Status.UPCOMING.value, *_THAT_DAY).subquery()
    of_one = (SESSION.c.id, SESSION.c.version, SESSION.c.note_version)
    each = one_text(*of_one, TEMPLATE.c.version, expected.c.enrolled).label("text")
    rows = SESSION.join(TEMPLATE, TEMPLATE.c.id == SESSION.c.template_id)
    rows = rows.outerjoin(expected, expected.c.session_id == SESSION.c.id)
    return one_text_of_all(select(each).select_from(rows).where(*_THAT_DAY).order_by(SESSION.c.id))


def _of_leaders() -> ColumnElement[Any]:
    leader = SESSION_LEADER.c
    each = one_text(leader.session_id, leader.position, leader.user_id, STAFF_MEMBER.c.version).label("text")
    rows = SESSION_LEADER.join(SESSION, SESSION.c.id == leader.session_id)
    rows = rows.join(STAFF_MEMBER, STAFF_MEMBER.c.id == leader.user_id)
    return one_text_of_all(
        select(each).select_from(rows).where(*_THAT_DAY).order_by(leader.session_id, leader.user_id)
    )


_VERSIONS: Final[Select[Any]] = select(
    LOCATION.c.version.label("location"),
    _of_sessions().label("sessions"),
    _of_leaders().label("leaders"),
).where(LOCATION.c.id == bindparam("of_location", type_=Uuid()), LOCATION.c.instance_id == OF_INSTANCE)
"""Of the whole day; of a part of it nothing is kept."""
