"""`opencircle disclosures`: what of one patient went out, put together from three databases.

For 45 CFR 164.528 and 42 CFR 2.25. It lists what may have been a disclosure; a person tells which was one.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import typer
from sqlalchemy import Select, literal, or_, select

from deploy.operations.showing import AsJson, run, show
from deploy.operations.where import DataDir, tables_of, where_is
from shared.clock import now_utc
from shared.database.audit import Outcome, record_access
from shared.database.transactions import Database

WENT_OUT: Final[Mapping[str, tuple[str, ...]]] = {
    "charts": ("fhir.%", "chart_note.printed", "emergency.%"),
    "printing": ("print_job.file_read",),
}
"""What of a trail left the service: by FHIR, in an emergency, or as a page or file to pass on."""

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@cli.command()
def disclosures(
    patient: Annotated[UUID, typer.Argument(help="The patient's id.")],
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List what was pushed, read by FHIR or emergency access, printed or downloaded of one patient.

    Reading it is audited too.

    Attendance records and sign-in sheets name many patients, and are in no single one's list.
    Example: opencircle disclosures 6f1c1b9e-8a35-4f0a-9d5e-2a4b1c3d5e6f --json
    """
    show(run(_of(patient, data_dir)), as_json=as_json, nothing="Nothing of this patient went out.")


async def _of(patient_id: UUID, data_dir: DataDir) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with where_is(data_dir).databases() as databases:
        for service, database in databases.items():
            statement = _pushed(patient_id) if service == "billing_bridge" else _read(service, patient_id)
            if statement is not None:
                found += await _told(service, database, statement, patient_id)
    return sorted(found, key=lambda one: str(one["at"]))


async def _told(
    service: str, database: Database, statement: Select[Any], patient_id: UUID
) -> list[dict[str, Any]]:
    async with database.reading_for_all() as connection:
        rows = (await connection.execute(statement)).all()
    for instance_id in {row.instance_id for row in rows}:
        async with database.writing(instance_id) as db:
            await record_access(
                db,
                tables_of(service).tables["audit_entry"],
                at=now_utc(),
                user_id=None,
                action="disclosures.accounted",
                subject=patient_id,
                patient_id=patient_id,
            )
    return [
        {"at": row.at, "from": service, "what": row.what, "to": _host(row.to), "of": row.subject}
        for row in rows
    ]


def _read(service: str, patient_id: UUID) -> Select[Any] | None:
    actions = WENT_OUT.get(service)
    if actions is None:
        return None
    entry = tables_of(service).tables["audit_entry"].c
    return select(
        entry.instance_id, entry.at, entry.action.label("what"), entry.user_id.label("to"), entry.subject
    ).where(
        entry.patient_id == patient_id,
        entry.outcome == Outcome.ALLOWED.value,
        or_(*(entry.action.like(one) for one in actions)),
    )


def _pushed(patient_id: UUID) -> Select[Any]:
    tables = tables_of("billing_bridge").tables
    charge, attempt = tables["charge"], tables["push_attempt"]
    return (
        select(
            charge.c.instance_id,
            attempt.c.started_at.label("at"),
            (literal("push.") + attempt.c.kind).label("what"),
            attempt.c.url.label("to"),
            charge.c.session_id.label("subject"),
        )
        .join(attempt, attempt.c.charge_id == charge.c.charge_id)
        .where(charge.c.patient_id == patient_id)
    )


def _host(to: UUID | str | None) -> str:
    # An address may bear more than a reader needs; a folder has no host.
    return (urlsplit(to).hostname or to) if isinstance(to, str) else str(to or "")
