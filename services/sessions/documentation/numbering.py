"""Versions of parts never start again: what was read of a documentation set aside stays stale (DOC-5)."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, exists, select

from services.sessions.documentation.lifecycle import Move
from services.sessions.documentation.models import DISCARDED, ROSTER_ENTRY
from services.sessions.scheduling.models import SESSION
from services.sessions.sealed_columns import DISCARDED_ONES
from shared.database.transactions import Transaction

REMOVED_PATIENT: Final = "removed_patient"
"""How a patient's line of the roster is set aside; its versions are kept with it."""


async def versions_so_far(db: Transaction, session_id: UUID) -> Mapping[UUID, int]:
    """Give the highest version that a part of each patient has had in what was set aside of a session."""
    columns = (DISCARDED.c.id, DISCARDED.c.documentation_id, DISCARDED.c.how, DISCARDED.c.content)
    aside = await db.records(db.rows_of(DISCARDED, *columns).where(DISCARDED.c.session_id == session_id))
    if not aside:
        return {}
    entry = ROSTER_ENTRY
    rosters = db.rows_of(entry, entry.c.patient_id, entry.c.note_version, entry.c.attendance_version)
    ids = {one["documentation_id"] for one in aside}
    rows = await db.all(rosters.where(entry.c.documentation_id.in_(ids)))
    versions = [(row.patient_id, max(row.note_version, row.attendance_version)) for row in rows]
    removed = [DISCARDED_ONES.opened(db.fields, one) for one in aside if one["how"] == REMOVED_PATIENT]
    versions += [_of_removed(one["content"]) for one in removed]
    highest: dict[UUID, int] = {}
    for patient_id, version in versions:
        highest[patient_id] = max(version, highest.get(patient_id, version))
    return highest


def _of_removed(content: Mapping[str, Any]) -> tuple[UUID, int]:
    # A patient who was removed before versions were kept has none.
    versions = (content.get("note_version", 1), content.get("attendance_version", 1))
    return UUID(content["patient_id"]), max(versions)


def group_note_version(db: Transaction) -> ColumnElement[int]:
    """Give the version of the group note at a start: the next one, when another one was deleted."""
    deleted = exists(
        select(DISCARDED.c.id).where(
            DISCARDED.c.session_id == SESSION.c.id,
            DISCARDED.c.instance_id == db.instance_id,
            DISCARDED.c.how == Move.DELETE.value,
        )
    )
    return case((deleted, SESSION.c.note_version + 1), else_=SESSION.c.note_version)
