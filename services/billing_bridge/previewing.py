"""What a session would be charged, told to whoever holds the message keys; nothing is stored (BILL-8)."""

from typing import Final
from uuid import UUID

from services.billing_bridge.codes.domain import NO_CATALOGUE, Catalogue
from services.billing_bridge.codes.repository import catalogues_of
from services.billing_bridge.domain import Charge, charges_for
from shared.database.transactions import Database
from shared.events.preview import (
    REQUEST_PURPOSE,
    BillingPreview,
    PatientPreview,
    PreviewedCharge,
    PreviewRequest,
)
from shared.events.record import Attendance, SessionRecord
from shared.messaging.sealing import KeyRing
from shared.web.sealed import open_request, seal_answer

_SHOWN: Final = (
    "code", "description", "revenue_code", "modifiers", "place_of_service", "units", "minutes",
)  # fmt: skip


async def answer_preview(database: Database, sealed: str, *, keys: KeyRing) -> str:
    """Answer one sealed request, sealed for that request alone.

    The seal is the proof of who asks: raises `NotSealedProblem` for what was not sealed by our keys.
    """
    request = open_request(sealed, PreviewRequest, keys=keys, purpose=REQUEST_PURPOSE)
    async with database.reading(request.instance_id) as db:
        catalogues = await catalogues_of(db.connection, {request.instance_id})
    preview = BillingPreview(
        instance_id=request.instance_id,
        documentation_id=request.record.documentation_id,
        patients=preview_of(request.record, catalogues.get(request.instance_id, NO_CATALOGUE)),
    )
    return seal_answer(preview, keys=keys, purpose=REQUEST_PURPOSE, to=sealed)


def preview_of(record: SessionRecord, catalogue: Catalogue) -> tuple[PatientPreview, ...]:
    """Give each present patient's charges, made by the function that makes those of the event."""
    charges: dict[UUID, list[PreviewedCharge]] = {
        one.patient_id: [] for one in record.participants if one.attendance is Attendance.PRESENT
    }
    for charge in charges_for(record, catalogue):
        charges[charge.patient_id].append(_shown(charge))
    return tuple(PatientPreview(patient_id=one, charges=tuple(lines)) for one, lines in charges.items())


def _shown(charge: Charge) -> PreviewedCharge:
    facts = {name: getattr(charge, name) for name in _SHOWN}
    return PreviewedCharge(form=charge.form.value, held_because=charge.lacking, **facts)
