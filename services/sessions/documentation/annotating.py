"""Adding to a note that was signed: nothing is replaced, and the charts and the bills hear of it (SIGN-5)."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import load_staff
from services.sessions.directory.use_cases import permit
from services.sessions.documentation.annotations import add_annotation, load_annotations, shown
from services.sessions.documentation.checking import acknowledged_by
from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.findings import Finding
from services.sessions.documentation.keeping import distributed_record, keep_document
from services.sessions.documentation.lifecycle import Move
from services.sessions.documentation.moving import session_to_move
from services.sessions.documentation.names_of_others import RosterNames
from services.sessions.documentation.pre_sign_check import names_in_text
from services.sessions.documentation.repository import Documentation, load_documentation
from services.sessions.documentation.roster import patients_of
from services.sessions.documentation.signatures import annotation_document
from services.sessions.documentation.signing import require_fresh
from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database, Transaction
from shared.events.catalogue import SESSION_ANNOTATED
from shared.events.record import Annotation, Signature, SignatureMeaning
from shared.identifiers import new_id
from shared.messaging.outbox import publish
from shared.web.identity import Identity
from shared.web.problems import NotFoundProblem


async def annotate_note(
    database: Database,
    identity: Identity,
    session_id: UUID,
    patient_id: UUID,
    *,
    text: str,
    acknowledged: Collection[str] = (),
    clock: Clock,
) -> dict[str, Any]:
    """Add signed text to one patient's note of a completed session; give the annotation as it is read.

    Raises `StepUpProblem` when the log-in is older than five minutes, `ConflictProblem` for a session that
    is not Completed, `NotFoundProblem` for a patient who was not on its roster, `UnacknowledgedProblem` when
    the text names another patient (DIST-3) and `acknowledged` lacks the id of that finding.
    """
    now = clock()
    require_fresh(identity, now)
    async with database.writing(identity.instance_id) as db:
        await session_to_move(db, identity, session_id, Move.ANNOTATE)
        documentation = await load_documentation(db, session_id)
        _require_on_roster(documentation, patient_id)
        names = RosterNames(await patients_of(db, documentation.session))
        seen = _require_acknowledged(documentation, names, patient_id, text, acknowledged)
        annotation = await _signed(db, identity, documentation, patient_id, text=text, now=now)
        await add_annotation(db, documentation.session, annotation)
        await _publish(db, documentation.session, now)
        await record_access(
            db,
            TRAIL,
            at=now,
            user_id=identity.user_id,
            action="note.annotated_with_names_acknowledged" if seen else "note.annotated",
            subject=session_id,
            patient_id=patient_id,
        )
    return shown(annotation)


async def read_annotations(
    database: Database, identity: Identity, session_id: UUID, patient_id: UUID, *, clock: Clock
) -> list[dict[str, Any]]:
    """List what was added to one patient's note, oldest first; raises `NotFoundProblem`."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        documentation = await load_documentation(db, session_id)
        _require_on_roster(documentation, patient_id)
        added = await load_annotations(db, documentation.session.documentation_id)
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="annotations.seen",
            subject=session_id,
            patient_id=patient_id,
        )
    return [shown(one) for one in added if one.patient_id == patient_id]


def _require_on_roster(documentation: Documentation, patient_id: UUID) -> None:
    if all(entry.patient_id != patient_id for entry in documentation.roster):
        raise NotFoundProblem("This patient is not on the roster of this session.")


def _require_acknowledged(
    documentation: Documentation,
    names: RosterNames,
    patient_id: UUID,
    text: str,
    acknowledged: Collection[str],
) -> list[Finding]:
    found = names_in_text(
        names,
        text,
        about=patient_id,
        pointer="#/text",
        documentation_id=documentation.session.documentation_id,
    )
    return acknowledged_by(found, acknowledged)


async def _signed(
    db: Transaction,
    identity: Identity,
    documentation: Documentation,
    patient_id: UUID,
    *,
    text: str,
    now: datetime,
) -> Annotation:
    member = (await load_staff(db, [identity.user_id]))[identity.user_id]
    annotation_id = new_id()
    document = annotation_document(
        annotation_id=annotation_id,
        session=documentation.session,
        patient_id=patient_id,
        text=text,
        # All who signed a documentation have signed one document: it is frozen from the first signature on.
        annotated_sha256=documentation.signatures[0].document_sha256,
    )
    signature = Signature(
        signature_id=new_id(),
        user_id=member.id,
        printed_name=member.printed_name,
        credentials=member.credentials,
        meaning=SignatureMeaning.ANNOTATOR,
        signed_at=now,
        document_sha256=await keep_document(db, document),
    )
    return Annotation(annotation_id=annotation_id, patient_id=patient_id, text=text, signature=signature)


async def _publish(db: Transaction, session: GroupSession, now: datetime) -> None:
    # The record as it was distributed, whatever a name or a template has become since: who hears this
    # first must file and charge exactly what the others do.
    record = await distributed_record(db, session.documentation_id)
    added = tuple(await load_annotations(db, session.documentation_id))
    facts = record.model_copy(update={"annotations": added})
    await publish(
        db, LEDGER, source=SERVICE, event_type=SESSION_ANNOTATED, subject=session.id, facts=facts, at=now
    )
