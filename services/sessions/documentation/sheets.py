"""Asking printing for sign-in sheets: of a session, a day, a week or a schedule, in one file (PRINT-2)."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, extract, func, literal, select

from services.sessions.configuration.domain import InstanceSettings
from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_location, load_locations, load_staff
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.domain import DaysOf, GroupSession
from services.sessions.documentation.outgoing import sign_in_sheet
from services.sessions.documentation.repository import load_session, load_sessions
from services.sessions.documentation.roster import patients_of_each
from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.models import SESSION
from services.sessions.templates.models import SCHEDULE_OCCURRENCE
from services.sessions.templates.repository import load_schedules
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.events.catalogue import SHEET_REQUESTED, SHEETS_REQUESTED
from shared.events.sheet import SHEETS_AT_MOST, SignInSheet, SignInSheets
from shared.identifiers import new_id
from shared.messaging.outbox import publish
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem

_DAYS_IN_WEEK: Final = 7


async def request_sign_in_sheet(
    database: Database, identity: Identity, session_id: UUID, *, clock: Clock
) -> UUID:
    """Ask for a session's sign-in sheet; give the print job's id (PRINT-1, PRINT-5).

    Raises `ConflictProblem` when the session is cancelled: nobody is to sign for it.
    """
    job_id, now = new_id(), clock()
    async with database.writing(identity.instance_id) as db:
        settings = await _permit(db, identity)
        session = await load_session(db, session_id)
        if session.status is Status.CANCELLED:
            raise ConflictProblem("The session is cancelled and has no sign-in sheet; plan another one.")
        (sheet,) = await sheets_of(db, [session], job_id=job_id, settings=settings)
        await publish(
            db, LEDGER, source=SERVICE, event_type=SHEET_REQUESTED, subject=session_id, facts=sheet, at=now
        )
        await _record(db, identity, session_id, clock)
    return job_id


async def request_sheets(database: Database, identity: Identity, days: DaysOf, *, clock: Clock) -> UUID:
    """Ask for the sheets of all sessions of some days as one file; give the print job's id (PRINT-2).

    Raises `NotFoundProblem` for a location or schedule that is not here, `ConflictProblem` when there is
    no such session, or more of them than go into one file.
    """
    job_id, now = new_id(), clock()
    async with database.writing(identity.instance_id) as db:
        settings = await _permit(db, identity)
        sessions = await _sessions_on(db, days)
        sheets = await sheets_of(db, sessions, job_id=job_id, settings=settings)
        facts = SignInSheets(job_id=job_id, sheets=tuple(sheets))
        await publish(
            db, LEDGER, source=SERVICE, event_type=SHEETS_REQUESTED, subject=job_id, facts=facts, at=now
        )
        subject = days.location_id or days.schedule_id
        await _record(db, identity, subject, clock)
    return job_id


async def sheets_of(
    db: Transaction, sessions: Sequence[GroupSession], *, job_id: UUID, settings: InstanceSettings
) -> list[SignInSheet]:
    """Build the sheets of some sessions, in their order, by the same few queries however many they are."""
    locations = await load_locations(db, {one.location_id for one in sessions})
    staff = await load_staff(db, {leader_id for one in sessions for leader_id in one.leader_ids})
    patients = await patients_of_each(db, sessions)
    return [
        sign_in_sheet(
            job_id,
            one,
            location=locations[one.location_id],
            staff=staff,
            patients=patients[one.id],
            settings=settings,
        )
        for one in sessions
    ]


async def _sessions_on(db: Transaction, days: DaysOf) -> list[GroupSession]:
    which = [SESSION.c.held_on >= days.since, SESSION.c.held_on <= days.until]
    if days.location_id is not None:
        await load_location(db, days.location_id)
        which.append(SESSION.c.location_id == days.location_id)
    if days.schedule_id is not None:
        await load_schedules(db, [days.schedule_id])
        which.append(_of_schedule(days.schedule_id))
    sessions = await load_sessions(db, *which, SESSION.c.status != Status.CANCELLED.value)
    if not sessions:
        raise ConflictProblem("There is no session on these days; plan one, or ask for other days.")
    if len(sessions) > SHEETS_AT_MOST:
        raise ConflictProblem(
            f"These are {len(sessions)} sheets; one file takes {SHEETS_AT_MOST}. Ask for fewer days."
        )
    return sessions


def _of_schedule(schedule_id: UUID) -> ColumnElement[bool]:
    # A moved session belongs to the day on which the series has it.
    day = func.coalesce(SESSION.c.moved_from, SESSION.c.held_on, type_=SESSION.c.held_on.type)
    entry = SCHEDULE_OCCURRENCE
    named = select(literal(1)).where(
        entry.c.schedule_id == schedule_id,
        entry.c.template_id == SESSION.c.template_id,
        # ISO's Sunday is 7, SQL's is 0.
        entry.c.weekday % _DAYS_IN_WEEK == extract("dow", day),
    )
    return named.correlate(SESSION).exists()


async def _permit(db: Transaction, identity: Identity) -> InstanceSettings:
    await permit(db, identity, Action.SEE_SESSIONS)
    return await require_group_sessions(db)


async def _record(db: Transaction, identity: Identity, subject: UUID | None, clock: Clock) -> None:
    await record_access(
        db,
        TRAIL,
        at=clock(),
        user_id=identity.user_id,
        action="sign_in_sheet.requested",
        subject=subject,
    )
