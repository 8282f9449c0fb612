"""A group that gets other times, or other patients, must not put them into two sessions at once (SCH-4)."""

from collections import Counter
from collections.abc import Collection
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, or_, select

from services.sessions.directory.models import CARE_TEAM_MEMBER
from services.sessions.directory.repository import load_patients
from services.sessions.scheduling.models import ASSIGNMENT, SESSION
from services.sessions.scheduling.overlaps import Clash, Meeting, clashes
from services.sessions.scheduling.timetable import LOOKED_AHEAD, load_claims, load_timetable
from services.sessions.templates.models import SCHEDULE_OCCURRENCE, TEMPLATE
from services.sessions.templates.repository import load_enabled_templates
from shared.database.transactions import Transaction
from shared.web.problems import ConflictProblem

NAMED_AT_MOST = 100


async def require_no_new_clash(db: Transaction, template_id: UUID, *, now: datetime) -> None:
    """Raise `ConflictProblem` that names the clashing sessions, and no patient.

    For a template as it is stored, its sessions planned anew.
    """
    await _require_none(db, await _patients_of(db, template_id), {template_id}, "#/starts_at", now=now)


async def require_no_caseload_clash(db: Transaction, patient_id: UUID, *, now: datetime) -> None:
    """Raise `ConflictProblem` that names the clashing sessions, if caseload groups overlap what there is.

    For a patient's care team as it is stored.
    """
    caseload = {one.id for one in await load_enabled_templates(db) if one.caseload}
    await _require_none(db, {patient_id}, caseload, "#/members", now=now)


async def _require_none(
    db: Transaction,
    patient_ids: Collection[UUID],
    template_ids: Collection[UUID],
    pointer: str,
    *,
    now: datetime,
) -> None:
    since = (now - timedelta(days=1)).date()
    found: Counter[Clash] = Counter()
    for mine in await _meetings(db, patient_ids, since=since, now=now):
        new = [one for one in mine if one.template_id in template_ids]
        found.update(clashes(new, mine))
    if found:
        raise ConflictProblem(
            f"Nothing was changed: patients would sit in two sessions at once {found.total()} times; "
            "errors names the first.",
            errors=_named(found, pointer),
        )


async def _meetings(
    db: Transaction, patient_ids: Collection[UUID], *, since: date, now: datetime
) -> list[list[Meeting]]:
    """Give for each patient what there is to come, while in treatment."""
    had = await load_claims(db, patient_ids, since=since)
    until = max(had.last_start, now.date()) + LOOKED_AHEAD
    timetable = await load_timetable(db, since=since, until=until)
    patients = await load_patients(db, patient_ids)
    return [
        [
            one
            for one in (*timetable.meetings(had.series.get(patient_id, ())), *had.single.get(patient_id, ()))
            if one.ends_at > now and patient.in_treatment_on(one.starts_at.date())
        ]
        for patient_id, patient in patients.items()
    ]


async def _patients_of(db: Transaction, template_id: UUID) -> set[UUID]:
    """Give the patients who sit in sessions of a template in any way, or did."""
    entry, one, care = SCHEDULE_OCCURRENCE, ASSIGNMENT, CARE_TEAM_MEMBER
    schedules = db.rows_of(entry, entry.c.schedule_id).where(entry.c.template_id == template_id)
    sessions = db.rows_of(SESSION, SESSION.c.id).where(SESSION.c.template_id == template_id)
    assigned = db.rows_of(one, one.c.patient_id).where(
        or_(
            one.c.template_id == template_id,
            one.c.schedule_id.in_(schedules),
            one.c.session_id.in_(sessions),
        )
    )
    # Not by its sessions: of one that begins far ahead there are none yet.
    is_caseload = exists(
        select(TEMPLATE.c.id).where(
            TEMPLATE.c.id == template_id, TEMPLATE.c.instance_id == db.instance_id, TEMPLATE.c.caseload
        )
    )
    cared_for = db.rows_of(care, care.c.patient_id).where(care.c.primary_therapist, is_caseload)
    return {row.patient_id for row in await db.all(assigned.union(cared_for))}


def _named(found: Counter[Clash], pointer: str) -> list[dict[str, str]]:
    ordered = sorted(found.items(), key=lambda item: item[0].second.starts_at)
    return [
        {
            "pointer": pointer,
            "detail": f"{clash.first.words} overlaps {clash.second.words}, for {count} patients",
            "session_id": str(clash.first.session_id),
            "overlaps_session_id": str(clash.second.session_id),
        }
        for clash, count in ordered[:NAMED_AT_MOST]
    ]
