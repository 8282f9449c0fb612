"""The one place that turns what this service knows into the public contract."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.sessions.configuration.domain import InstanceSettings
from services.sessions.directory.domain import Location, Patient, StaffMember
from services.sessions.documentation.domain import GroupSession, RosterEntry
from services.sessions.documentation.repository import Documentation
from services.sessions.scheduling.names import short_names
from services.sessions.templates.domain import Template
from shared.events.record import (
    Attendance,
    BillingFacts,
    GroupFacts,
    Leader,
    LocationFacts,
    Participant,
    SessionRecord,
    Signature,
)
from shared.events.sheet import SignInSheet


class UnsignedSessionError(Exception):
    """A record was asked for of a session that is not documented to its end."""


def session_record(
    documentation: Documentation,
    *,
    signatures: Sequence[Signature],
    version: int,
    location: Location,
    template: Template,
    staff: Mapping[UUID, StaffMember],
    patients: Mapping[UUID, Patient],
    settings: InstanceSettings,
) -> SessionRecord:
    """Build the whole document of a session as every consumer receives it."""
    session = documentation.session
    if session.documentation_id is None or session.started_at is None or session.ended_at is None:
        raise UnsignedSessionError(session.id)
    return SessionRecord(
        session_id=session.id,
        documentation_id=session.documentation_id,
        version=version,
        location=LocationFacts(
            location_id=location.id,
            name=location.name,
            time_zone=location.time_zone,
            paper=location.paper_size,
        ),
        group=GroupFacts(template_id=session.template_id, title=session.title),
        started_at=session.started_at,
        ended_at=session.ended_at,
        topic=session.topic,
        description=session.description,
        leaders=tuple(_leader(staff[leader_id]) for leader_id in session.leader_ids),
        participants=tuple(
            _participant(session, one, patients[one.patient_id]) for one in documentation.roster
        ),
        signatures=tuple(signatures),
        billing=billing_facts(template.billing, settings.integrated_billing),
    )


def _leader(member: StaffMember) -> Leader:
    return Leader(
        user_id=member.id, printed_name=member.printed_name, credentials=member.credentials, npi=member.npi
    )


def _participant(session: GroupSession, entry: RosterEntry, patient: Patient) -> Participant:
    return Participant(
        patient_id=patient.id,
        mrn=patient.mrn,
        printed_name=patient.printed_name,
        birth_date=patient.birth_date,
        family_name=patient.last_name,
        given_names=tuple(filter(None, (patient.first_name, patient.middle_name))),
        attendance=entry.attendance or Attendance.ABSENT,
        minutes=entry.minutes_in(session),
        individual_note=entry.individual_note,
        arrived_at=entry.arrived_at,
        left_at=entry.left_at,
        absence_reason=entry.absence_reason,
        problems=entry.problems,
    )


def billing_facts(billing: Mapping[str, Any] | None, system: str | None) -> BillingFacts | None:
    """Give how a session is billed; None without a billing system, whatever the template says (SET-6)."""
    return BillingFacts(system=system, **billing) if billing and system else None


def sign_in_sheet(
    job_id: UUID,
    session: GroupSession,
    *,
    location: Location,
    staff: Mapping[UUID, StaffMember],
    patients: Sequence[Patient],
    settings: InstanceSettings,
) -> SignInSheet:
    """Build what a sign-in sheet shows: short names only, by the instance's setting (PRINT-1, SET-5)."""
    return SignInSheet(
        job_id=job_id,
        session_id=session.id,
        location_name=location.name,
        time_zone=location.time_zone,
        group_title=session.title,
        starts_at=session.starts_at,
        duration_minutes=session.duration_minutes,
        leaders=tuple(staff[leader_id].signature_name for leader_id in session.leader_ids),
        names=tuple(short_names(patients, preferred=settings.show_preferred_name)),
        paper=location.paper_size,
    )
