"""Whether what is stored is still what was signed (SIGN-4)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.annotations import load_annotations, shown
from services.sessions.documentation.differences import Difference, differences
from services.sessions.documentation.keeping import kept_documents
from services.sessions.documentation.repository import Documentation, load_documentation
from services.sessions.documentation.signatures import annotation_document, digest_of, document_of
from services.sessions.documentation.unopenable import as_far_as_it_opens
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access_to
from shared.database.transactions import Database
from shared.events.record import Annotation
from shared.web.identity import Identity


async def read_document(
    database: Database, identity: Identity, session_id: UUID, *, clock: Clock
) -> dict[str, Any]:
    """Give the canonical document and its SHA-256: what a signature would be bound to."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        documentation = await load_documentation(db, session_id)
        await record_access_to(
            db,
            TRAIL,
            patient_ids=documentation.patient_ids,
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
    """Compare what is stored with what every leader, reviewer and annotator has signed.

    `differences` names each part that is not what was signed (SIGN-4, SIGN-5); of a field that was written
    past us, and does not open, `stored` is `unopenable.UNOPENABLE`.
    """
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        leniently = as_far_as_it_opens(db)
        documentation = await load_documentation(leniently, session_id)
        added = await load_annotations(leniently, documentation.session.documentation_id)
        signed = [*documentation.signatures, *(one.signature for one in added)]
        kept = await kept_documents(leniently, {one.document_sha256 for one in signed})
        await record_access_to(
            db,
            TRAIL,
            patient_ids=documentation.patient_ids,
            at=clock(),
            user_id=identity.user_id,
            action="session.verified",
            subject=session_id,
        )
    return _verified(documentation, added, kept)


def _verified(
    documentation: Documentation, added: Sequence[Annotation], kept: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    stored = document_of(documentation.session, documentation.roster)
    signed = {one.document_sha256 for one in documentation.signatures}
    checks = [_Check(sha256=one, stored=stored, at="#") for one in sorted(signed)]
    checks += [_check_of(documentation, one) for one in added]
    differing = [difference for check in checks for difference in check.differences(kept)]
    signatures = [
        {
            "signature_id": one.signature_id,
            "printed_name": one.printed_name,
            "meaning": one.meaning,
            "document_sha256": one.document_sha256,
            "holds": one.document_sha256 == digest_of(stored),
        }
        for one in documentation.signatures
    ]
    annotations = [
        shown(one) | {"patient_id": one.patient_id, "holds": _check_of(documentation, one).holds}
        for one in added
    ]
    return {
        "stored_sha256": digest_of(stored),
        "holds": bool(checks) and all(check.holds for check in checks),
        "signatures": signatures,
        "annotations": annotations,
        "differences": [asdict(one) for one in differing],
    }


@dataclass(frozen=True, kw_only=True)
class _Check:
    """A digest that was signed, and the document that should have it."""

    sha256: str
    stored: dict[str, Any]
    at: str

    @property
    def holds(self) -> bool:
        return digest_of(self.stored) == self.sha256

    def differences(self, kept: Mapping[str, dict[str, Any]]) -> Iterator[Difference]:
        if self.holds:
            return
        if self.sha256 not in kept:
            # Signed before documents were kept, or what was kept is itself not what was signed.
            yield Difference(pointer=self.at, signed=None, stored=self.stored)
        else:
            yield from differences(kept[self.sha256], self.stored, at=self.at)


def _check_of(documentation: Documentation, annotation: Annotation) -> _Check:
    return _Check(
        sha256=annotation.signature.document_sha256,
        stored=annotation_document(
            annotation_id=annotation.annotation_id,
            session=documentation.session,
            patient_id=annotation.patient_id,
            text=annotation.text,
            annotated_sha256=documentation.signatures[0].document_sha256,
        ),
        at=f"#/annotations/{annotation.annotation_id}",
    )
