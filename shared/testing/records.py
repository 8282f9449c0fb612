"""Builders of the public contract, with a named cast instead of `user1`."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from shared.events.catalogue import SESSION_COMPLETED
from shared.events.contract import Contract
from shared.events.envelope import Envelope, envelope_of
from shared.events.record import (
    Attendance,
    BillingCode,
    BillingFacts,
    CodeKind,
    GroupFacts,
    Leader,
    LocationFacts,
    Participant,
    SessionRecord,
    Signature,
    SignatureMeaning,
    UnitRule,
)
from shared.identifiers import new_id
from shared.messaging.messages import Delivery, Parcel

CAST: Final = UUID("6f1d0f3a-0000-4000-8000-000000000000")
CLINIC: Final = uuid5(CAST, "Riverbend Clinic")
OTHER_CLINIC: Final = uuid5(CAST, "Lakeside Clinic")
MARGARET: Final = uuid5(CAST, "Margaret Chen, LCSW, a therapist")
TUESDAY: Final = datetime(2026, 3, 10, 14, 0, tzinfo=UTC)

FIRST_NAMES: Final = ("Anna", "Bashir", "Chidi", "Dolores", "Émile", "Farah", "Günther", "Hana")
LAST_NAMES: Final = ("Okafor", "Lindqvist", "Moreau", "Tanaka", "Kowalski", "Reyes", "Abara", "Novak")


def a_patient(number: int, *, attendance: Attendance = Attendance.PRESENT, **changes: Any) -> Participant:
    """Build the `number`th patient of the cast; equal numbers are the same person."""
    present = attendance is Attendance.PRESENT
    first = FIRST_NAMES[number % len(FIRST_NAMES)]
    last = LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
    facts: dict[str, Any] = {
        "patient_id": uuid5(CAST, f"patient {number}"),
        "mrn": f"MRN-{number:05d}",
        "printed_name": f"{first} {last}",
        "birth_date": date(1980, 1, 1) + timedelta(days=number),
        "attendance": attendance,
        "minutes": 50 if present else 0,
        "individual_note": f"Spoke about week {number} and what helped." if present else None,
    }
    return Participant(**facts | changes)


def webhook_billing(**changes: Any) -> BillingFacts:
    """Build the billing facts of an ancillary group billed as 90853 per session."""
    code = BillingCode(
        kind=CodeKind.CCODE,
        code="90853",
        description="Group psychotherapy",
        effective_on=date(2020, 1, 1),
        ends_on=None,
    )
    facts: dict[str, Any] = {
        "system": "webhook",
        "mode": "ancillary",
        "codes": (code,),
        "place_of_service": "53",
        "modifiers": ("HQ",),
        "units": UnitRule(by="session"),
        "minimum_minutes": 0,
    }
    return BillingFacts(**facts | changes)


def a_session_record(*, present: int = 8, absent: int = 2, **changes: Any) -> SessionRecord:
    """Build a completed session of Margaret's with so many patients."""
    session_id = changes.pop("session_id", None) or new_id()
    participants = [a_patient(number) for number in range(present)]
    participants += [a_patient(present + number, attendance=Attendance.ABSENT) for number in range(absent)]
    facts: dict[str, Any] = {
        "session_id": session_id,
        "documentation_id": new_id(),
        "version": 1,
        "location": LocationFacts(
            location_id=uuid5(CAST, "Main Street"), name="Main Street", time_zone="America/Chicago"
        ),
        "group": GroupFacts(template_id=uuid5(CAST, "Process Group"), title="Process Group"),
        "started_at": TUESDAY,
        "ended_at": TUESDAY + timedelta(minutes=50),
        "topic": "Coping with cravings",
        "description": "The group practised urge surfing.",
        "leaders": (
            Leader(user_id=MARGARET, printed_name="Margaret Chen", credentials="LCSW", npi="1234567893"),
        ),
        "participants": tuple(participants),
        "signatures": (margarets_signature(),),
        "billing": webhook_billing(),
    }
    return SessionRecord(**facts | changes)


def margarets_signature(at: datetime = TUESDAY + timedelta(hours=1)) -> Signature:
    """Build the author's signature."""
    return Signature(
        signature_id=new_id(),
        user_id=MARGARET,
        printed_name="Margaret Chen",
        credentials="LCSW",
        meaning=SignatureMeaning.AUTHOR,
        signed_at=at,
        document_sha256=hashlib.sha256(b"document").hexdigest(),
    )


def enveloped(
    facts: Contract, *, event_type: str = SESSION_COMPLETED, instance_id: UUID = CLINIC
) -> Envelope[Any]:
    """Put facts into the envelope in which a service would publish them."""
    return envelope_of(type(facts))(
        id=new_id(),
        source="/services/sessions",
        type=event_type,
        subject=str(getattr(facts, "session_id", instance_id)),
        time=TUESDAY + timedelta(hours=1),
        instanceid=instance_id,
        data=facts,
    )


def a_parcel(envelopes: Sequence[Envelope[Any]], *, ring: int = 1) -> Parcel:
    """Pack envelopes as the relay would."""
    return Parcel(
        receipts_to="sessions.receipts",
        deliveries=tuple(
            Delivery(
                delivery_id=new_id(), event_id=one.id, type=one.type, ring=ring, body=one.model_dump_json()
            )
            for one in envelopes
        ),
    )
