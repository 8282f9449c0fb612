"""What the charts service can do: file notes, and show them to those who may read them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from services.charts import views
from services.charts.domain import (
    READS_CHARTS,
    READS_FILING,
    SEES_SESSIONS,
    SESSION_FEATURES,
    annotations_of,
    notes_of,
)
from services.charts.models import audit_entry, instance_settings, staff_access
from services.charts.repository import (
    add_new_annotations,
    add_new_notes,
    add_new_retractions,
    add_readings,
)
from shared.database.audit import Outcome, record_access
from shared.database.transactions import Database, Transaction
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord, SessionRetracted
from shared.events.staff import Feature, Role
from shared.web.identity import Identity
from shared.web.instance_settings import instance_settings as settings_of
from shared.web.problems import NotFoundProblem, Problem
from shared.web.staff_access import require_any
from shared.web.staff_access import staff_access as access_of


class SwitchedOffProblem(Problem):
    """A setting of the instance switches this off; the detail says which (403, SET-3, SET-4)."""

    status, name, title = 403, "switched-off", "This is switched off here"


async def file_notes(
    connection: AsyncConnection, envelopes: Sequence[Envelope[SessionRecord]], *, filed_at: datetime
) -> None:
    """File one note per patient of each session, and its annotations, in the transaction of the inbox.

    Both are only added to, so that events may come in any order and again (DIST-1, DIST-5, SIGN-5).
    """
    notes = ((one.instanceid, note) for one in envelopes for note in notes_of(one.data))
    await add_new_notes(connection, notes, filed_at=filed_at)
    annotations = ((one.instanceid, added) for one in envelopes for added in annotations_of(one.data))
    await add_new_annotations(connection, annotations)


async def mark_entered_in_error(
    connection: AsyncConnection, envelopes: Sequence[Envelope[SessionRetracted]]
) -> None:
    """Mark the notes of documentations that are void, those that are filed later too (DOC-6)."""
    await add_new_retractions(connection, ((one.instanceid, one.data) for one in envelopes))


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Somebody's wish to read, as the audit trail will tell of it."""

    identity: Identity
    action: str
    at: datetime


async def read_note(database: Database, reading: Reading, note_id: UUID) -> views.ReadNote:
    """Give one note whole; raises `ForbiddenProblem`, `NotFoundProblem`."""
    # Looked for first, so that a refusal too is written down in the name of the patient concerned.
    async with database.reading(reading.identity.instance_id) as db:
        note = await views.one_note(db, note_id)
    patient_id = note.patient_id if note else None
    async with _audited(database, reading, READS_CHARTS, subject=note_id, patient_id=patient_id):
        if note is None:
            raise NotFoundProblem("There is no such chart note.")
    return note


async def read_chart(
    database: Database, reading: Reading, patient_id: UUID, *, cursor: str | None, limit: int
) -> bytes:
    """Give one page of a patient's notes, newest first; raises `ForbiddenProblem`."""
    async with _audited(database, reading, READS_CHARTS, subject=patient_id, patient_id=patient_id) as db:
        return await views.chart_page(db, patient_id, cursor=cursor, limit=limit)


async def read_filing(database: Database, reading: Reading, session_id: UUID) -> bytes:
    """Tell which notes of a session are filed; raises `ForbiddenProblem`."""
    async with _audited(database, reading, READS_FILING, subject=session_id) as db:
        return await views.filing(db, session_id)


async def read_attendance(database: Database, reading: Reading, patient_id: UUID) -> bytes:
    """Count presences and absences per group; raises `ForbiddenProblem`, `SwitchedOffProblem` (SET-4)."""
    async with _audited(database, reading, READS_CHARTS, subject=patient_id, patient_id=patient_id) as db:
        if not (await settings_of(db, instance_settings)).show_attendance_in_chart:
            raise SwitchedOffProblem("This instance has switched off: Show attendees/absences in chart.")
        return await views.attendance(db, patient_id)


async def read_individual_notes(
    database: Database, reading: Reading, session_id: UUID, *, cursor: str | None, limit: int
) -> bytes:
    """Give one page of a session's notes; raises `ForbiddenProblem`, `SwitchedOffProblem` (SET-3).

    The audit trail names the session, and each patient whose note was shown (PERM-8).
    """
    async with _audited(
        database, reading, SEES_SESSIONS, features=SESSION_FEATURES, subject=session_id
    ) as db:
        if not (await settings_of(db, instance_settings)).view_individual_group_sessions:
            raise SwitchedOffProblem("This instance has switched off: View individual group sessions.")
        shown = await views.individual_notes(db, session_id, cursor=cursor, limit=limit)
        await add_readings(
            db,
            shown.patient_ids,
            user_id=reading.identity.user_id,
            action=reading.action,
            subject=session_id,
            at=reading.at,
        )
        return shown.body


@asynccontextmanager
async def _audited(
    database: Database,
    reading: Reading,
    roles: frozenset[Role],
    *,
    features: frozenset[Feature] = frozenset(),
    subject: UUID,
    patient_id: UUID | None = None,
) -> AsyncIterator[Transaction]:
    """Let in who has a role or feature for it, and write down that they read, or were refused (PERM-8)."""

    async def write_down(db: Transaction, outcome: Outcome) -> None:
        await record_access(
            db,
            audit_entry,
            at=reading.at,
            user_id=reading.identity.user_id,
            action=reading.action,
            subject=subject,
            patient_id=patient_id,
            outcome=outcome,
        )

    try:
        async with database.writing(reading.identity.instance_id) as db:
            access = await access_of(db, staff_access, reading.identity.user_id)
            require_any(access, roles=roles, features=features)
            yield db
            await write_down(db, Outcome.ALLOWED)
    except Problem:
        async with database.writing(reading.identity.instance_id) as db:
            await write_down(db, Outcome.REFUSED)
        raise
