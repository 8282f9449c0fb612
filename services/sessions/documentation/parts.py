"""The parts of a document, each with its own version: writers of different parts never conflict (DOC-5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Table, or_, update

from services.sessions.documentation.authors import add_writer
from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.models import ROSTER_ENTRY
from services.sessions.documentation.roster_rows import sealed_entry
from services.sessions.scheduling.group_notes import sealed_session
from services.sessions.scheduling.models import SESSION
from services.sessions.stream.changes import Part, SessionChange, note_changes
from shared.database.bulk import update_each
from shared.database.transactions import Transaction
from shared.events.record import Attendance
from shared.web.preconditions import PreconditionNeededProblem
from shared.web.problems import NotFoundProblem, StaleProblem


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who writes, and when."""

    user_id: UUID
    at: datetime


def version_in(if_match: str | None) -> int:
    """Read the version out of `If-Match: "3"`; `*` is refused, because it would overwrite unseen text."""
    number = (if_match or "").strip().strip('"')
    if not (number.isascii() and number.isdigit()):
        raise PreconditionNeededProblem('Send `If-Match` with the ETag of the part, for example "3".')
    return int(number[:9])


async def write_group_note_part(
    db: Transaction, session: GroupSession, changes: Mapping[str, Any], *, version: int, author: Author
) -> int:
    """Write the group note; give its new version. Raises `StaleProblem`."""
    sealed = sealed_session(db.fields, changes, session_id=session.id)
    new = await _write(
        db, SESSION, SESSION.c.id == session.id, "note", sealed, version=version, author=author
    )
    await add_writer(db, session, author.user_id)
    change = SessionChange(session_id=session.id, part=Part.GROUP_NOTE, version=new)
    await note_changes(db, [change])
    return new


async def write_note_part(
    db: Transaction,
    session: GroupSession,
    patient_id: UUID,
    changes: Mapping[str, Any],
    *,
    version: int,
    author: Author,
) -> int:
    """Write one individual note; give its new version. Raises `StaleProblem`, `NotFoundProblem`."""
    row = (ROSTER_ENTRY.c.documentation_id == session.documentation_id) & (
        ROSTER_ENTRY.c.patient_id == patient_id
    )
    sealed = sealed_entry(
        db.fields, changes, documentation_id=session.documentation_id, patient_id=patient_id
    )
    new = await _write(db, ROSTER_ENTRY, row, "note", sealed, version=version, author=author)
    await add_writer(db, session, author.user_id)
    await note_changes(db, [SessionChange(session_id=session.id, part=Part.INDIVIDUAL_NOTE)])
    return new


async def _write(
    db: Transaction,
    table: Table,
    row: ColumnElement[bool],
    part: str,
    changes: Mapping[str, Any],
    *,
    version: int,
    author: Author,
) -> int:
    mine = row & (table.c.instance_id == db.instance_id)
    known = table.c[f"{part}_version"]
    stamp = {f"{part}_version": version + 1, f"{part}_by": author.user_id, f"{part}_at": author.at}
    # Conditional: whoever else writes this part at the same time, one of the two is refused.
    changed = await db.execute(update(table).where(mine, known == version).values(**changes, **stamp))
    if changed.rowcount != 1:
        await _refuse(db, table, mine, part)
    return version + 1


async def _refuse(db: Transaction, table: Table, mine: ColumnElement[bool], part: str) -> None:
    columns = [table.c[f"{part}_{name}"].label(name) for name in ("version", "by", "at")]
    now = await db.one_or_none(db.rows_of(table, *columns).where(mine))
    if now is None:
        raise NotFoundProblem("Not all of these patients are on the roster of this session.")
    when = f" by {now.by} at {now.at.isoformat()}" if now.at else ""
    raise StaleProblem(
        f"This part is at version {now.version}, written{when}; read it again.",
        headers={"ETag": f'"{now.version}"'},
    )


_MARKED: Final = ("attendance", "minutes", "arrived_at", "left_at", "absence_reason")


async def write_attendance(
    db: Transaction,
    session: GroupSession,
    marks: Mapping[UUID, Mapping[str, Any]],
    *,
    rest: Attendance | None = None,
    author: Author,
) -> list[UUID]:
    """Write attendance of some of the roster, set-based; `rest` of all others who are not marked yet.

    Gives who was marked.

    A mark's `version` is the one it was made from, or None for who is not marked yet (DOC-5). Raises
    `StaleProblem` that names the patients who were marked meanwhile, and `NotFoundProblem`; then nothing
    is written.
    """
    entry = ROSTER_ENTRY
    mine = (entry.c.documentation_id == session.documentation_id) & (entry.c.instance_id == db.instance_id)
    # Locked in one order, so that two leaders who mark the same patients wait instead of deadlocking.
    named = entry.c.patient_id.in_(marks)
    which = named if rest is None else or_(named, entry.c.attendance.is_(None))
    columns = (entry.c.patient_id, entry.c.attendance, entry.c.attendance_version, entry.c.attendance_by)
    rows = db.rows_of(entry, *columns).where(mine, which)
    known = {row.patient_id: row for row in await db.all(rows.order_by(entry.c.patient_id).with_for_update())}
    if not marks.keys() <= known.keys():
        raise NotFoundProblem("Not all of these patients are on the roster of this session.")
    _require_seen([(known[one], mark["version"]) for one, mark in marks.items()])
    all_marks: dict[UUID, Mapping[str, Any]] = {one: {"attendance": rest} for one in known} | dict(marks)
    rows_new = [
        sealed_entry(
            db.fields,
            {"patient_id": one, **{name: mark.get(name) for name in _MARKED}},
            documentation_id=session.documentation_id,
            patient_id=one,
        )
        for one, mark in all_marks.items()
    ]
    if rows_new:
        await update_each(
            db.connection,
            entry,
            rows_new,
            key="patient_id",
            within={"documentation_id": session.documentation_id, "instance_id": db.instance_id},
            stamp={"attendance_by": author.user_id, "attendance_at": author.at},
            version="attendance_version",
        )
        await add_writer(db, session, author.user_id)
        await note_changes(db, [SessionChange(session_id=session.id, part=Part.ATTENDANCE)])
    return list(all_marks)


def _require_seen(marked: Sequence[tuple[Row[Any], int | None]]) -> None:
    """Compare the rows with the versions that the marks name, in the order of the request's marks."""
    errors = [
        {
            "pointer": f"#/marks/{number}",
            "detail": f"is at version {row.attendance_version}"
            + (f", marked by {row.attendance_by}" if row.attendance_by else ""),
            "patient_id": str(row.patient_id),
        }
        for number, (row, version) in enumerate(marked)
        if (row.attendance is not None if version is None else version != row.attendance_version)
    ]
    if errors:
        raise StaleProblem(
            "Some are marked otherwise than you have read; see errors, and send the `version` of each.",
            errors=errors,
        )
