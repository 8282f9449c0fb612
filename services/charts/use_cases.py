"""What the charts service can do: file notes, and show them to those who may read them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.charts import totals, views
from services.charts.access import Deed, audited, write_down
from services.charts.domain import (
    READS_CHARTS,
    READS_FILING,
    SEES_SESSIONS,
    SESSION_FEATURES,
    annotations_of,
    documented,
)
from services.charts.models import instance_settings
from services.charts.repository import (
    add_new_annotations,
    add_new_notes,
    add_new_retractions,
)
from services.charts.tabs.charting import SwitchedOffProblem, require_group_sessions_tab
from shared.database.transactions import Database, WideTransaction
from shared.events.envelope import Envelope
from shared.events.record import SessionRecord, SessionRetracted
from shared.events.staff import Scope
from shared.web.instance_settings import instance_settings as settings_of
from shared.web.problems import NotFoundProblem


async def file_notes(
    db: WideTransaction, envelopes: Sequence[Envelope[SessionRecord]], *, filed_at: datetime
) -> None:
    """File one note per patient of each session, and its annotations, in the transaction of the inbox.

    All are only added to, so that events may come in any order and again (DIST-1, DIST-5, SIGN-5).
    """
    filed = ((one.instanceid, *documented(one.data)) for one in envelopes)
    await add_new_notes(db, filed, filed_at=filed_at)
    annotations = ((one.instanceid, added) for one in envelopes for added in annotations_of(one.data))
    await add_new_annotations(db, annotations)


async def mark_entered_in_error(db: WideTransaction, envelopes: Sequence[Envelope[SessionRetracted]]) -> None:
    """Mark the notes of documentations that are void, those that are filed later too (DOC-6)."""
    await add_new_retractions(db, ((one.instanceid, one.data) for one in envelopes))


async def read_note(
    database: Database, deed: Deed, note_id: UUID, *, scope: Scope | None = None
) -> views.ReadNote:
    """Give one note whole; raises `ForbiddenProblem`, `NotFoundProblem`.

    The record itself: it is read whether the chart has its tab or not (SET-2, TAB-5).
    """
    # Looked for first, so that a refusal too is written down in the name of the patient concerned.
    async with database.reading(deed.identity.instance_id) as db:
        note = await views.one_note(db, note_id)
    patient_id = note.patient_id if note else None
    async with audited(database, deed, READS_CHARTS, subject=note_id, patient_id=patient_id, scope=scope):
        if note is None:
            raise NotFoundProblem("There is no such chart note.")
    return note


async def read_history(database: Database, deed: Deed, note_id: UUID) -> bytes:
    """Tell what became of a note, oldest first; raises `ForbiddenProblem`, `NotFoundProblem`."""
    async with database.reading(deed.identity.instance_id) as db:
        history = await views.note_history(db, note_id)
    patient_id = history.patient_ids[0] if history else None
    async with audited(database, deed, READS_CHARTS, subject=note_id, patient_id=patient_id):
        if history is None:
            raise NotFoundProblem("There is no such chart note.")
    return history.body


async def read_chart(
    database: Database,
    deed: Deed,
    patient_id: UUID,
    wanted: views.Wanted,
    *,
    cursor: str | None,
    limit: int,
) -> bytes:
    """Give one page of a patient's Group Sessions tab, newest first.

    Raises `ForbiddenProblem`, `SwitchedOffProblem`, `TabMissingProblem` (TAB-1, TAB-4).
    """
    async with audited(database, deed, READS_CHARTS, subject=patient_id, patient_id=patient_id) as db:
        await require_group_sessions_tab(db, patient_id)
        return await views.chart_page(db, patient_id, wanted, cursor=cursor, limit=limit)


async def read_filing(database: Database, deed: Deed, session_id: UUID) -> bytes:
    """Tell which notes of a session are filed; raises `ForbiddenProblem`.

    The audit trail names the session, and each patient whom the answer names (PERM-8).
    """
    async with audited(database, deed, READS_FILING, subject=session_id) as db:
        filing = await totals.filing(db, session_id)
        await write_down(db, deed, subject=session_id, patient_ids=tuple(filing.patient_ids))
        return filing.body


async def read_attendance(database: Database, deed: Deed, patient_id: UUID) -> bytes:
    """Count presences and absences per group.

    Raises `ForbiddenProblem`, `SwitchedOffProblem` (SET-4), `TabMissingProblem`.
    """
    async with audited(database, deed, READS_CHARTS, subject=patient_id, patient_id=patient_id) as db:
        if not (await settings_of(db, instance_settings)).show_attendance_in_chart:
            raise SwitchedOffProblem("This instance has switched off: Show attendees/absences in chart.")
        await require_group_sessions_tab(db, patient_id)
        return await totals.attendance(db, patient_id)


async def read_individual_notes(
    database: Database, deed: Deed, session_id: UUID, *, cursor: str | None, limit: int
) -> bytes:
    """Give one page of a session's notes; raises `ForbiddenProblem`, `SwitchedOffProblem` (SET-3).

    The audit trail names the session, and each patient whose note was shown (PERM-8).
    """
    async with audited(database, deed, SEES_SESSIONS, features=SESSION_FEATURES, subject=session_id) as db:
        if not (await settings_of(db, instance_settings)).view_individual_group_sessions:
            raise SwitchedOffProblem("This instance has switched off: View individual group sessions.")
        shown = await views.individual_notes(db, session_id, cursor=cursor, limit=limit)
        await write_down(db, deed, subject=session_id, patient_ids=tuple(shown.patient_ids))
        return shown.body
