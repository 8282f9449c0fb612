"""Signing and review: the moment at which a document becomes final, and its event is committed."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.sessions.configuration.domain import InstanceSettings
from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.repository import load_access, load_location, load_staff
from services.sessions.directory.use_cases import access_of
from services.sessions.documentation.authors import authors_of
from services.sessions.documentation.billing_preview import Previews
from services.sessions.documentation.checking import check_to_sign
from services.sessions.documentation.domain import (
    CLOCK_SKEW,
    FRESH_AUTHENTICATION,
    GroupSession,
    Signer,
    leaders_meaning,
    obstacles,
    status_after_leader,
)
from services.sessions.documentation.findings import Finding
from services.sessions.documentation.keeping import keep_distribution, keep_document
from services.sessions.documentation.lifecycle import Move
from services.sessions.documentation.moving import require_move
from services.sessions.documentation.outgoing import session_record
from services.sessions.documentation.repository import (
    Documentation,
    add_signature,
    change_session,
    load_documentation,
)
from services.sessions.documentation.roster import patients_of
from services.sessions.documentation.signatures import digest_of, document_of
from services.sessions.metadata import LEDGER, SERVICE, TRAIL
from services.sessions.scheduling.domain import Status
from services.sessions.templates.repository import load_templates
from shared.clock import Clock
from shared.database.audit import record_access_to
from shared.database.transactions import Database, Transaction
from shared.events.catalogue import SESSION_COMPLETED, SESSION_REVIEWED
from shared.events.record import Signature, SignatureMeaning
from shared.events.staff import Feature, StaffAccess
from shared.failpoints import reached
from shared.identifiers import new_id
from shared.messaging.outbox import publish
from shared.web.identity import Identity
from shared.web.preconditions import PreconditionNeededProblem
from shared.web.problems import ConflictProblem, StaleProblem, StepUpProblem

EVENT_BY_MEANING: Final = {
    SignatureMeaning.AUTHOR: SESSION_COMPLETED,
    SignatureMeaning.CO_AUTHOR: SESSION_COMPLETED,
    SignatureMeaning.REVIEWER: SESSION_REVIEWED,
}


async def sign_session(
    database: Database,
    identity: Identity,
    session_id: UUID,
    *,
    previews: Previews,
    shown_sha256: str | None,
    acknowledged: Collection[str] = (),
    clock: Clock,
) -> Status:
    """Sign as a leader, or as the reviewer of a session that waits for review; give the new status.

    When the session becomes Completed, its event is committed with it (SIGN-1 to SIGN-4).
    `shown_sha256` is the digest of the document that the signer was shown: no other one is signed.
    `acknowledged` are ids of findings of the check before signing; they are stored with the signature.
    Raises `StepUpProblem` when the log-in is older than five minutes, `PreconditionNeededProblem` without
    the digest, `StaleProblem` for that of another document, `ConflictProblem` when a signature that is there
    does not hold for this document, and `UnacknowledgedProblem` for findings that are left.
    """
    now = clock()
    require_fresh(identity, now)
    # Before the transaction: billing is asked over the network, and the writers' lock is everybody's.
    check = await check_to_sign(database, identity, session_id, previews=previews, now=now, permit=_meaning)
    async with database.writing(identity.instance_id) as db:
        access = await access_of(db, identity)
        settings = await require_group_sessions(db)
        documentation = await load_documentation(db, session_id, for_change=True)
        meaning = await _meaning(db, documentation, access)
        _require_shown(documentation, shown_sha256)
        _require_holding(documentation)
        await _require_complete(db, documentation, now)
        _require_shown(documentation, check.document_sha256)
        seen = check.acknowledged_by(acknowledged)
        signature = await _sign(db, documentation, access, meaning=meaning, seen=seen, now=now)
        signatures = (*documentation.signatures, signature)
        status = await _status_after(db, documentation, signatures)
        await change_session(db, documentation.session, {"status": status.value})
        if status is Status.COMPLETED:
            await _publish_record(db, documentation, signatures, settings, now)
        await record_access_to(
            db,
            TRAIL,
            patient_ids=documentation.patient_ids,
            at=now,
            user_id=identity.user_id,
            action="session.signed",
            subject=session_id,
        )
        reached("sign.written")
    return status


def require_fresh(identity: Identity, now: datetime) -> None:
    """Raise `StepUpProblem` with the challenge of RFC 9470 when the log-in is too long ago, or to come."""
    if not -CLOCK_SKEW <= now - identity.authenticated_at <= FRESH_AUTHENTICATION:
        seconds = int(FRESH_AUTHENTICATION.total_seconds())
        challenge = f'Bearer error="insufficient_user_authentication", max_age="{seconds}"'
        raise StepUpProblem(
            f"Signing needs a log-in of the last {seconds} seconds.", headers={"WWW-Authenticate": challenge}
        )


async def _meaning(db: Transaction, documentation: Documentation, access: StaffAccess) -> SignatureMeaning:
    if any(one.user_id == access.user_id for one in documentation.signatures):
        raise ConflictProblem("You have signed this session already.")
    move = _move_of(documentation.session, access)
    await require_move(db, access, documentation.session, move)
    if move is Move.REVIEW:
        return SignatureMeaning.REVIEWER
    return leaders_meaning(
        [Signer(user_id=one.user_id, meaning=one.meaning) for one in documentation.signatures]
    )


def _move_of(session: GroupSession, access: StaffAccess) -> Move:
    # One way in for both: leaders sign, and while they do nobody else's signature is looked for.
    leads = access.user_id in session.leader_ids
    return Move.SIGN if leads or session.status is Status.IN_PROGRESS else Move.REVIEW


def _require_shown(documentation: Documentation, shown_sha256: str | None) -> None:
    if shown_sha256 is None:
        raise PreconditionNeededProblem(
            "Read `GET document` of this session first, show it, and send its `document_sha256`: "
            "only what the signer was shown is signed."
        )
    if shown_sha256 != digest_of(document_of(documentation.session, documentation.roster)):
        raise StaleProblem("The document is no longer the one that you were shown; read it again.")


def _require_holding(documentation: Documentation) -> None:
    now = digest_of(document_of(documentation.session, documentation.roster))
    if any(one.document_sha256 != now for one in documentation.signatures):
        raise ConflictProblem(
            "The document is not the one that others have signed: `GET verification` names what differs. "
            "Reopen the session, or return it from review, and have all of them sign again."
        )


async def _require_complete(db: Transaction, documentation: Documentation, now: datetime) -> None:
    session = documentation.session
    template = (await load_templates(db, [session.template_id]))[session.template_id]
    zone = ZoneInfo((await load_location(db, session.location_id)).time_zone)
    found = obstacles(
        session, documentation.roster, notes_required=template.notes_required, zone=zone, now=now
    )
    if found:
        errors = [{"pointer": one.pointer, "detail": one.detail} for one in found]
        raise ConflictProblem("The session is not ready to be signed; see errors.", errors=errors)


async def _sign(
    db: Transaction,
    documentation: Documentation,
    access: StaffAccess,
    *,
    meaning: SignatureMeaning,
    seen: Sequence[Finding],
    now: datetime,
) -> Signature:
    member = (await load_staff(db, [access.user_id]))[access.user_id]
    signature = Signature(
        signature_id=new_id(),
        user_id=member.id,
        printed_name=member.printed_name,
        credentials=member.credentials,
        meaning=meaning,
        signed_at=now,
        document_sha256=await keep_document(db, document_of(documentation.session, documentation.roster)),
    )
    await add_signature(db, documentation.session, signature, acknowledged=seen)
    return signature


async def _status_after(
    db: Transaction, documentation: Documentation, signatures: Sequence[Signature]
) -> Status:
    session = documentation.session
    if session.status is Status.PENDING_REVIEW:
        return Status.COMPLETED
    # Who has handed the session over is still the author of what is signed (PERM-6).
    authors = await load_access(db, {*session.leader_ids, *await authors_of(db, session)})
    required = any(Feature.REQUIRES_GROUP_SESSION_REVIEW in one.features for one in authors.values())
    return status_after_leader(session, [one.user_id for one in signatures], review_required=required)


async def _publish_record(
    db: Transaction,
    documentation: Documentation,
    signatures: Sequence[Signature],
    settings: InstanceSettings,
    now: datetime,
) -> None:
    session = documentation.session
    record = session_record(
        documentation,
        signatures=signatures,
        version=session.version + 1,
        location=await load_location(db, session.location_id),
        template=(await load_templates(db, [session.template_id]))[session.template_id],
        staff=await load_staff(db, session.leader_ids),
        patients={patient.id: patient for patient in await patients_of(db, session)},
        settings=settings,
    )
    event_type = EVENT_BY_MEANING[signatures[-1].meaning]
    event_id = await publish(
        db, LEDGER, source=SERVICE, event_type=event_type, subject=session.id, facts=record, at=now
    )
    await keep_distribution(db, record, event_id)
