"""Brings the sessions to come in line with the templates: the rolling horizon (TPL-3, TPL-4)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from services.sessions.scheduling.domain import PlannedSession, Status
from services.sessions.scheduling.generation import id_of, meeting_places, planned_sessions
from services.sessions.scheduling.repository import (
    KnownSession,
    add_sessions,
    cancel_sessions,
    follow_plan,
    load_caseloads,
    load_known_sessions,
    load_zones,
    lock_planning,
    planned_facts,
    replace_leaders,
    started_on,
    therapists_at,
)
from services.sessions.scheduling.retiming import require_no_caseload_clash, require_no_new_clash
from services.sessions.templates.domain import Template
from services.sessions.templates.repository import load_enabled_templates
from shared.database.transactions import Transaction
from shared.web.problems import ConflictProblem

_NOT_STARTED: Final = frozenset({Status.UPCOMING, Status.CANCELLED})


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Plans one instance. Calling it twice changes nothing; two at once wait for each other."""

    horizon_days: int

    async def __call__(
        self, db: Transaction, *, now: datetime, changed: UUID | None = None, retimed: UUID | None = None
    ) -> None:
        """Make, move, cancel and revive sessions from today on; one that has started is never touched.

        Sessions of the template `changed` get its leaders; else leaders stay, for they may have been
        handed over. What is there beyond the horizon follows too, but nothing is made there. Raises
        `ConflictProblem` when patients of the template `retimed` would sit in two sessions at once (SCH-4).
        """
        await lock_planning(db)
        zones = await load_zones(db)
        today = {location_id: now.astimezone(zone).date() for location_id, zone in zones.items()}
        templates = await load_enabled_templates(db)
        known = await load_known_sessions(
            db, since=min(today.values(), default=now.date()), moved=_ids_of_moved(templates)
        )
        days = _days_of(known.values())
        caseloads = await load_caseloads(db) if any(one.caseload for one in templates) else ()
        planned: dict[UUID, PlannedSession] = {}
        for template, location_id in meeting_places(templates):
            since = today[location_id]
            horizon = since + timedelta(days=self.horizon_days)
            beyond = {one for one in days.get(template.id, set()) | _moved_to(template) if one > horizon}
            therapists = therapists_at(template, location_id, caseloads)
            sessions = [
                one
                for first, last in [(since, horizon), *((day, day) for day in sorted(beyond))]
                for one in planned_sessions(
                    template, location_id, zones[location_id], since=first, until=last, therapists=therapists
                )
            ]
            planned |= {one.id: one for one in sessions if one.held_on <= horizon or one.id in known}
        await add_sessions(db, [one for one in planned.values() if one.id not in known])
        await follow_plan(db, [one for one in planned.values() if _differs(one, known.get(one.id))])
        await cancel_sessions(db, [one.id for one in known.values() if _is_gone(one, planned, today)])
        if changed is not None:
            of_it = [one for one in planned.values() if one.template_id == changed]
            await replace_leaders(db, of_it)
        if retimed is not None:
            await require_no_new_clash(db, retimed, now=now)

    async def require_not_started(
        self, db: Transaction, template_id: UUID, on: date, places: Collection[UUID]
    ) -> None:
        """Raise `ConflictProblem` that names the status of a session that was started (TPL-5).

        `on` is the day on which the series has it, wherever it was moved to.
        """
        await lock_planning(db)
        started = await started_on(db, template_id, on, places)
        if started:
            raise ConflictProblem(
                f"This session is {' or '.join(started)}; only one that is upcoming is moved or cancelled."
            )

    async def lock(self, db: Transaction) -> None:
        """As `Plan` has it."""
        await lock_planning(db)

    async def require_free(self, db: Transaction, patient_id: UUID, *, now: datetime) -> None:
        """As `Plan` has it."""
        await require_no_caseload_clash(db, patient_id, now=now)


def _ids_of_moved(templates: Sequence[Template]) -> list[UUID]:
    return [id_of(one, change.location_id, change.on) for one in templates for change in one.changes]


def _days_of(known: Iterable[KnownSession]) -> dict[UUID, set[date]]:
    """Give for each template the days of its sessions: where they are, and where the series has them."""
    days: dict[UUID, set[date]] = {}
    for one in known:
        days.setdefault(one.template_id, set()).update(filter(None, (one.held_on, one.facts["moved_from"])))
    return days


def _moved_to(template: Template) -> set[date]:
    return {one.moved_to for one in template.changes if one.moved_to is not None}


def _differs(planned: PlannedSession, known: KnownSession | None) -> bool:
    return (
        known is not None
        and known.status in _NOT_STARTED
        and (known.status is Status.CANCELLED or known.facts != planned_facts(planned))
    )


def _is_gone(one: KnownSession, planned: dict[UUID, PlannedSession], today: dict[UUID, date]) -> bool:
    to_come = one.held_on >= today[one.location_id]
    return one.status is Status.UPCOMING and to_come and one.id not in planned
