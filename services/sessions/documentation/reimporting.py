"""After this service's database was restored: what was signed since the backup comes back from a copy."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, update

from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.keeping import keep_distribution, keep_document
from services.sessions.documentation.models import ANNOTATION, FROZEN, ROSTER_ENTRY
from services.sessions.documentation.repository import (
    add_signature,
    change_session,
    load_documentation,
    set_leaders,
)
from services.sessions.documentation.roster_rows import sealed_entry
from services.sessions.documentation.signatures import document_of
from services.sessions.documentation.signing import EVENT_BY_MEANING
from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.models import SESSION
from services.sessions.sealed_columns import ANNOTATIONS
from shared.database.audit import record_access
from shared.database.bulk import insert_new
from shared.database.transactions import Database, Transaction
from shared.events.record import Participant, SessionRecord
from shared.messaging.outbox import publish


class CannotReimportError(Exception):
    """What was signed can't be brought back as it was; the text says why. The copy stays as it is."""


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A consumer's copy of what was distributed."""

    instance_id: UUID
    record: SessionRecord


async def reimport(database: Database, copy: Copy, *, now: datetime) -> None:
    """Have a session as its record says it was: documented, signed and distributed.

    Its digest is reckoned again and has to be the one that was signed. Raises `CannotReimportError`.
    """
    record = copy.record
    async with database.writing(copy.instance_id) as db:
        await _require_room(db, record)
        if not await _is_frozen(db, record.documentation_id):
            await _write(db, record)
        await _sign(db, record)
        await change_session(db, await _session(db, record), {"status": Status.COMPLETED.value})
        await db.execute(
            update(SESSION)
            .where(SESSION.c.id == record.session_id, SESSION.c.instance_id == db.instance_id)
            .values(version=record.version)
        )
        await _distribute(db, record, now)


async def _session(db: Transaction, record: SessionRecord) -> GroupSession:
    return (await load_documentation(db, record.session_id, for_change=True)).session


async def _require_room(db: Transaction, record: SessionRecord) -> None:
    row = await db.one_or_none(db.rows_of(SESSION).where(SESSION.c.id == record.session_id))
    if row is None:
        raise CannotReimportError("There is no such session: it was planned after the backup.")
    if row.status in {Status.COMPLETED.value, Status.CANCELLED.value}:
        raise CannotReimportError(f"The session is {row.status}.")
    if row.version > record.version:
        raise CannotReimportError("The session was written since the restore.")


async def _is_frozen(db: Transaction, documentation_id: UUID) -> bool:
    found = db.rows_of(FROZEN).where(FROZEN.c.documentation_id == documentation_id)
    return await db.one_or_none(found) is not None


async def _write(db: Transaction, record: SessionRecord) -> None:
    await db.execute(delete(ROSTER_ENTRY).where(ROSTER_ENTRY.c.documentation_id == record.documentation_id))
    await insert_new(db.connection, ROSTER_ENTRY, [_entry(db, record, one) for one in record.participants])
    leader_ids = [one.user_id for one in record.leaders]
    await set_leaders(db, record.session_id, leader_ids, documentation_id=record.documentation_id)
    written = {
        "documentation_id": record.documentation_id,
        "title": record.group.title,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "topic": record.topic,
        "description": record.description,
    }
    await change_session(db, await _session(db, record), written)


def _entry(db: Transaction, record: SessionRecord, one: Participant) -> dict[str, Any]:
    values = {
        "documentation_id": record.documentation_id,
        "patient_id": one.patient_id,
        "session_id": record.session_id,
        "instance_id": db.instance_id,
        "attendance": one.attendance.value,
        "minutes": one.minutes,
        "arrived_at": one.arrived_at,
        "left_at": one.left_at,
        "absence_reason": one.absence_reason,
        "individual_note": one.individual_note,
        "problems": list(one.problems),
    }
    return sealed_entry(
        db.fields, values, documentation_id=record.documentation_id, patient_id=one.patient_id
    )


async def _sign(db: Transaction, record: SessionRecord) -> None:
    documentation = await load_documentation(db, record.session_id, for_change=True)
    digest = await keep_document(db, document_of(documentation.session, documentation.roster))
    if any(one.document_sha256 != digest for one in record.signatures):
        raise CannotReimportError("What the copy tells has not the digest that was signed.")
    there = {one.signature_id for one in documentation.signatures}
    for signature in record.signatures:
        if signature.signature_id not in there:
            await add_signature(db, documentation.session, signature)
    notes = [_annotation(db, record, one) for one in record.annotations]
    if notes:
        await insert_new(db.connection, ANNOTATION, notes)


def _annotation(db: Transaction, record: SessionRecord, one: Any) -> dict[str, Any]:
    signature = one.signature
    values = {
        "id": one.annotation_id,
        "instance_id": db.instance_id,
        "documentation_id": record.documentation_id,
        "patient_id": one.patient_id,
        "text": one.text,
        "signature_id": signature.signature_id,
        "user_id": signature.user_id,
        "printed_name": signature.printed_name,
        "credentials": signature.credentials,
        "signed_at": signature.signed_at,
        "document_sha256": signature.document_sha256,
    }
    return ANNOTATIONS.sealed(db.fields, values)


async def _distribute(db: Transaction, record: SessionRecord, now: datetime) -> None:
    as_distributed = record.model_copy(update={"annotations": ()})
    # Consumers know this documentation, whatever event tells of it; one that does not is told now.
    event_id = await publish(
        db,
        LEDGER,
        source=SERVICE,
        event_type=EVENT_BY_MEANING[record.signatures[-1].meaning],
        subject=record.session_id,
        facts=as_distributed,
        at=now,
    )
    await keep_distribution(db, record, event_id)
    await record_access(
        db, TRAIL, at=now, user_id=None, action="session.reimported", subject=record.session_id
    )
