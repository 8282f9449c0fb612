"""The day view: a location's sessions of one date, in the groups in which staff work through them (DOC-1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case, func, select

from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_location
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.models import ROSTER_ENTRY
from services.sessions.documentation.views import leaders_of
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.enrolment import enrolled_counts
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.templates.models import TEMPLATE
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.web.identity import Identity

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
    *,
    location_id: UUID,
    held_on: date | None,
    only: DayFilter,
    clock: Clock,
) -> dict[str, Any]:
    """Give a location's sessions of a date, by default today's there, with times of its zone (DOC-1)."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        location = await load_location(db, location_id)
        zone = ZoneInfo(location.time_zone)
        day = held_on or now.astimezone(zone).date()
        sessions = await _sessions(db, location_id=location_id, held_on=day, only=only)
        leaders = await leaders_of(db, [one["id"] for one in sessions])
        await record_access(
            db, TRAIL, at=now, user_id=identity.user_id, action="day.seen", subject=location_id
        )
    rows = [
        one | {"starts_at": one["starts_at"].astimezone(zone), "leaders": leaders.get(one["id"], [])}
        for one in sessions
    ]
    groups = {name: [one for one in rows if one["status"] in statuses] for name, statuses in GROUPS.items()}
    return {"location_id": location_id, "date": day, "time_zone": location.time_zone} | groups


async def _sessions(
    db: Transaction, *, location_id: UUID, held_on: date, only: DayFilter
) -> list[dict[str, Any]]:
    that_day = (SESSION.c.location_id == location_id, SESSION.c.held_on == held_on, *only.conditions(db))
    expected = enrolled_counts(db, SESSION.c.status == Status.UPCOMING.value, *that_day).subquery()
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
    return await db.records(statement)


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
