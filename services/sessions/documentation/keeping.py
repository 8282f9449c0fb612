"""What was signed and what was distributed, kept as it was: insert-only, so that nothing later can differ."""

import hashlib
from collections.abc import Collection
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import insert

from services.sessions.documentation.models import DISTRIBUTED, SIGNED_DOCUMENT
from services.sessions.documentation.signatures import canonical, digest_of
from services.sessions.metadata import LEDGER
from services.sessions.sealed_columns import SIGNED_DOCUMENTS
from shared.database.dialects import upsert
from shared.database.transactions import Transaction
from shared.events.catalogue import parse
from shared.events.record import SessionRecord
from shared.messaging.tables import EVENT_BODY


async def keep_document(db: Transaction, document: dict[str, Any]) -> str:
    """Keep a document that is signed now; give its digest. Equal documents are kept once (SIGN-4)."""
    sha256 = digest_of(document)
    values = {"sha256": sha256, "instance_id": db.instance_id, "document": canonical(document).decode()}
    sealed = SIGNED_DOCUMENTS.sealed(db.fields, values)
    await db.execute(upsert(db.connection, SIGNED_DOCUMENT, sealed).on_conflict_do_nothing())
    return sha256


async def kept_documents(db: Transaction, digests: Collection[str]) -> dict[str, dict[str, Any]]:
    """Give documents by digest, as they were signed; without those whose text has not that digest."""
    rows = await db.records(db.rows_of(SIGNED_DOCUMENT).where(SIGNED_DOCUMENT.c.sha256.in_(digests)))
    opened = {row["sha256"]: SIGNED_DOCUMENTS.opened(db.fields, row)["document"] for row in rows}
    return {
        sha256: orjson.loads(document)
        for sha256, document in opened.items()
        if hashlib.sha256(document.encode()).hexdigest() == sha256
    }


async def keep_distribution(db: Transaction, record: SessionRecord, event_id: UUID) -> None:
    """Remember which event told of a documentation."""
    values = {
        "documentation_id": record.documentation_id,
        "instance_id": db.instance_id,
        "event_id": event_id,
    }
    await db.execute(insert(DISTRIBUTED).values(values))


async def distributed_record(db: Transaction, documentation_id: UUID | None) -> SessionRecord:
    """Give the record of a documentation exactly as it was distributed, without what was added later."""
    told = db.rows_of(DISTRIBUTED, DISTRIBUTED.c.event_id).where(
        DISTRIBUTED.c.documentation_id == documentation_id
    )
    event = LEDGER.event
    row = (await db.all(db.rows_of(event).where(event.c.id.in_(told))))[0]
    body = db.fields.unseal(row.body, place=EVENT_BODY, row=row.id)
    record: SessionRecord = parse(body, row.type).data
    return record
