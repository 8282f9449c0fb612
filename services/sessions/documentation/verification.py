"""Whether what is stored is still what was signed (SIGN-4)."""

from typing import Any
from uuid import UUID

from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.repository import load_documentation
from services.sessions.documentation.signatures import digest_of, document_of
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database
from shared.web.identity import Identity


async def read_document(
    database: Database, identity: Identity, session_id: UUID, *, clock: Clock
) -> dict[str, Any]:
    """Give the canonical document and its SHA-256: what a signature would be bound to."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        documentation = await load_documentation(db, session_id)
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="session.document_seen",
            subject=session_id,
        )
    document = document_of(documentation.session, documentation.roster)
    return {"document": document, "document_sha256": digest_of(document)}


async def verify_session(
    database: Database, identity: Identity, session_id: UUID, *, clock: Clock
) -> dict[str, Any]:
    """Recompute the digest from the stored rows and compare it with every signature."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        documentation = await load_documentation(db, session_id)
        await record_access(
            db, TRAIL, at=clock(), user_id=identity.user_id, action="session.verified", subject=session_id
        )
    stored = digest_of(document_of(documentation.session, documentation.roster))
    signatures = [
        {
            "signature_id": one.signature_id,
            "printed_name": one.printed_name,
            "meaning": one.meaning,
            "document_sha256": one.document_sha256,
            "holds": one.document_sha256 == stored,
        }
        for one in documentation.signatures
    ]
    holds = bool(signatures) and all(one["holds"] for one in signatures)
    return {"stored_sha256": stored, "holds": holds, "signatures": signatures}
