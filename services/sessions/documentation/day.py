"""The day view: a location's sessions of one date, in the groups in which staff work through them (DOC-1)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Uuid, bindparam, case, func, select

from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_location
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.models import ROSTER_ENTRY
from services.sessions.documentation.views import leaders, leaders_by_session
from services.sessions.metadata import TRAIL
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.enrolment import enrolled_counts
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.templates.models import TEMPLATE
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database
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

    @property
    def stated(self) -> dict[str, Any]:
        """Give the parameters of what it says, by the names in `_CONDITIONS`."""
        statuses = None if self.statuses is None else [one.value for one in self.statuses]
        said = {"only_leader": self.leader_id, "only_template": self.template_id, "only_statuses": statuses}
        return {name: value for name, value in said.items() if value is not None}


_OF_INSTANCE: Final = bindparam("of_instance", type_=Uuid())
_CONDITIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    "only_leader": SESSION.c.id.in_(
        select(SESSION_LEADER.c.session_id).where(
            SESSION_LEADER.c.user_id == bindparam("only_leader"), SESSION_LEADER.c.instance_id == _OF_INSTANCE
        )
    ),
    "only_template": SESSION.c.template_id == bindparam("only_template"),
    "only_statuses": SESSION.c.status.in_(bindparam("only_statuses", expanding=True)),
}


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
        place = {"of_instance": db.instance_id, "of_location": location_id, "of_day": day}
        sessions = await db.records(_sessions(frozenset(only.stated)), place | only.stated)
        led_by = leaders_by_session(await db.records(_leaders(), place))
        await record_access(
            db, TRAIL, at=now, user_id=identity.user_id, action="day.seen", subject=location_id
        )
    for one in sessions:
        one["starts_at"] = one["starts_at"].astimezone(zone)
        one["leaders"] = led_by.get(one["id"], ())
    groups = {
        name: [one for one in sessions if one["status"] in statuses] for name, statuses in GROUPS.items()
    }
    return {"location_id": location_id, "date": day, "time_zone": location.time_zone} | groups


def _that_day() -> tuple[ColumnElement[bool], ...]:
    return (
        SESSION.c.instance_id == _OF_INSTANCE,
        SESSION.c.location_id == bindparam("of_location"),
        SESSION.c.held_on == bindparam("of_day"),
    )


@lru_cache
def _sessions(stated: frozenset[str]) -> Select[Any]:
    # Put together once for each set of conditions: that takes longer than running it.
    which = (*_that_day(), *(_CONDITIONS[name] for name in sorted(stated)))
    expected = enrolled_counts(_OF_INSTANCE, SESSION.c.status == Status.UPCOMING.value, *which).subquery()
    enrolled, capacity = func.coalesce(expected.c.enrolled, 0), TEMPLATE.c.capacity
    with_a_place = case((enrolled > capacity, capacity), else_=enrolled)
    size = case((SESSION.c.documentation_id.is_(None), with_a_place), else_=_on_roster())
    names = ("id", "template_id", "title", "topic", "status", "starts_at", "duration_minutes", "version")
    return (
        select(*(SESSION.c[name] for name in names), TEMPLATE.c.modality, capacity, size.label("roster_size"))
        .select_from(SESSION)
        .join(TEMPLATE, TEMPLATE.c.id == SESSION.c.template_id)
        .outerjoin(expected, expected.c.session_id == SESSION.c.id)
        .where(*which)
        .order_by(SESSION.c.starts_at, SESSION.c.title, SESSION.c.id)
    )


@lru_cache
def _leaders() -> Select[Any]:
    # Of the whole day, whatever is wanted of it: a list of ids would be a parameter for each session.
    return leaders().join(SESSION, SESSION.c.id == SESSION_LEADER.c.session_id).where(*_that_day())


def _on_roster() -> Any:
    # Counted by the session's key: a join with all counts would read every roster there ever was.
    return (
        select(func.count())
        .where(
            ROSTER_ENTRY.c.documentation_id == SESSION.c.documentation_id,
            ROSTER_ENTRY.c.instance_id == _OF_INSTANCE,
        )
        .correlate(SESSION)
        .scalar_subquery()
    )
