"""The check before signing: what a session looks like to a signer now, and what it would be charged."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.sessions.configuration.domain import InstanceSettings
from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.domain import Patient
from services.sessions.directory.repository import load_location, load_staff
from services.sessions.directory.use_cases import access_of
from services.sessions.documentation.billing_preview import Previews, PreviewUnavailableError
from services.sessions.documentation.domain import obstacles
from services.sessions.documentation.findings import Finding, FindingKind
from services.sessions.documentation.lifecycle import LIFECYCLE, Move, Standing
from services.sessions.documentation.moving import standings_of
from services.sessions.documentation.outgoing import session_record
from services.sessions.documentation.pre_sign_check import Documented, find_before_signing, kind_of
from services.sessions.documentation.repository import Documentation, load_documentation
from services.sessions.documentation.roster import patients_of
from services.sessions.documentation.signatures import digest_of, document_of
from services.sessions.metadata import TRAIL
from services.sessions.templates.domain import Template
from services.sessions.templates.repository import load_templates
from shared.clock import Clock
from shared.database.audit import record_access_to
from shared.database.transactions import Database, Transaction
from shared.events.preview import PatientPreview
from shared.events.record import SessionRecord
from shared.events.staff import StaffAccess
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, ForbiddenProblem

_MAY_CHECK: Final = frozenset({Standing.ADMIN, Standing.LEADER, Standing.REVIEWER})
_CHECKED_WHILE: Final = LIFECYCLE[Move.SIGN].while_in | LIFECYCLE[Move.REVIEW].while_in


Permit = Callable[[Transaction, Documentation, StaffAccess], Awaitable[object]]
"""Raises what refuses a user."""


class UnacknowledgedProblem(ConflictProblem):
    """Warnings that the signer has neither changed nor acknowledged (409, DIST-3, DOC-8, BILL-8)."""

    name, title = "warnings-not-acknowledged", "Some warnings are not acknowledged"


@dataclass(frozen=True, kw_only=True)
class PreSignCheck:
    """What was found in one document."""

    document_sha256: str
    """The document it was found in; another one has to be checked anew."""
    findings: tuple[Finding, ...]
    charges: tuple[PatientPreview, ...] | None
    """None without integrated billing, while times make no minutes, or while billing can't be asked."""

    def acknowledged_by(self, ids: Collection[str]) -> list[Finding]:
        """Give the findings that a signer acknowledges with these ids; others were found in another text.

        Raises `UnacknowledgedProblem` that points at each one that is left.
        """
        return acknowledged_by(self.findings, ids)


def acknowledged_by(findings: Iterable[Finding], ids: Collection[str]) -> list[Finding]:
    """Give the findings that need an acknowledgement; raises `UnacknowledgedProblem` when one has none."""
    asked = [one for one in findings if one.needs_acknowledgement]
    left = [one for one in asked if one.id not in ids]
    if left:
        errors = [
            {"pointer": pointer, "detail": one.detail, "id": one.id, "kind": one.kind.value}
            for one in left
            for pointer in one.pointers
        ]
        raise UnacknowledgedProblem(
            "Change what is pointed at, or send the ids of all errors in `acknowledged`.", errors=errors
        )
    return asked


@dataclass(frozen=True, kw_only=True)
class _Read:
    """What is read in one transaction, so that nothing is asked of others inside of it."""

    documented: Documented
    document_sha256: str
    record: SessionRecord | None
    """None without integrated billing, and while times make no minutes."""


async def show_check(
    database: Database, identity: Identity, session_id: UUID, *, previews: Previews, clock: Clock
) -> PreSignCheck:
    """Tell leaders, reviewers and admins what a signer would be asked now."""
    now = clock()
    async with database.writing(identity.instance_id) as db:
        read = await _read(db, identity, session_id, now, permit=_permit_check)
        await record_access_to(
            db,
            TRAIL,
            patient_ids=[one.patient_id for one in read.documented.roster],
            at=now,
            user_id=identity.user_id,
            action="session.checked",
            subject=session_id,
        )
    return await _check(identity.instance_id, read, previews)


async def check_to_sign(
    database: Database,
    identity: Identity,
    session_id: UUID,
    *,
    previews: Previews,
    now: datetime,
    permit: Permit,
) -> PreSignCheck:
    """Do the same for whom `permit` lets sign; the signature's transaction leaves the trace."""
    async with database.reading(identity.instance_id) as db:
        read = await _read(db, identity, session_id, now, permit=permit)
    return await _check(identity.instance_id, read, previews)


async def _check(instance_id: UUID, read: _Read, previews: Previews) -> PreSignCheck:
    charges = await _previewed(instance_id, read.record, previews)
    # In a thread: comparing 200 long notes takes a while, and others are served meanwhile.
    findings = await asyncio.to_thread(
        find_before_signing, read.documented, charges, preview_is_due=read.record is not None
    )
    return PreSignCheck(document_sha256=read.document_sha256, findings=tuple(findings), charges=charges)


async def _previewed(
    instance_id: UUID, record: SessionRecord | None, previews: Previews
) -> tuple[PatientPreview, ...] | None:
    if record is None:
        return None
    if record.billing is None:
        # The template has no billing: nobody has to be asked.
        return ()
    try:
        return tuple(await previews.preview(instance_id, record))
    except PreviewUnavailableError:
        return None


async def _read(
    db: Transaction, identity: Identity, session_id: UUID, now: datetime, *, permit: Permit
) -> _Read:
    access = await access_of(db, identity)
    settings = await require_group_sessions(db)
    documentation = await load_documentation(db, session_id)
    await permit(db, documentation, access)
    session = documentation.session
    template = (await load_templates(db, [session.template_id]))[session.template_id]
    patients = await patients_of(db, session)
    missing = obstacles(
        session,
        documentation.roster,
        notes_required=template.notes_required,
        zone=ZoneInfo((await load_location(db, session.location_id)).time_zone),
        now=now,
    )
    documented = Documented(
        session=session,
        roster=documentation.roster,
        patients=tuple(patients),
        obstacles=tuple(missing),
    )
    has_minutes = not any(kind_of(one) is FindingKind.TIMES_NOT_RIGHT for one in documented.obstacles)
    return _Read(
        documented=documented,
        document_sha256=digest_of(document_of(session, documentation.roster)),
        record=await _record(db, documentation, template, patients, settings)
        if settings.integrated_billing and has_minutes
        else None,
    )


async def _permit_check(_: Transaction, documentation: Documentation, access: StaffAccess) -> None:
    session = documentation.session
    if not standings_of(access, session) & _MAY_CHECK:
        needed = "; ".join(sorted(_MAY_CHECK))
        raise ForbiddenProblem(f"To check this session, be one of: {needed}.")
    if session.status not in _CHECKED_WHILE:
        wanted = " or ".join(sorted(_CHECKED_WHILE))
        raise ConflictProblem(
            f"A session is checked and signed while {wanted}; this one is {session.status.value}."
        )


async def _record(
    db: Transaction,
    documentation: Documentation,
    template: Template,
    patients: Sequence[Patient],
    settings: InstanceSettings,
) -> SessionRecord:
    """Build what the event would carry, were the session completed now."""
    session = documentation.session
    return session_record(
        documentation,
        signatures=documentation.signatures,
        version=session.version + 1,
        location=await load_location(db, session.location_id),
        template=template,
        staff=await load_staff(db, session.leader_ids),
        patients={patient.id: patient for patient in patients},
        settings=settings,
    )
