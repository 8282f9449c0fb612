"""What a session would be charged, told to whoever holds the message keys; nothing is stored (BILL-8)."""

from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

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
    answer_purpose,
)
from shared.events.record import Attendance, SessionRecord
from shared.messaging.sealing import KeyRing, UnsealableError
from shared.web.problems import InvalidProblem, Problem

_SHOWN: Final = (
    "code", "description", "revenue_code", "modifiers", "place_of_service", "units", "minutes",
)  # fmt: skip


class UnsealedProblem(Problem):
    """The body was not sealed for a preview by a key that we hold (403)."""

    status, name, title = 403, "not-sealed", "Only who holds the message keys may ask this"


async def answer_preview(database: Database, sealed: str, *, keys: KeyRing) -> str:
    """Answer one sealed request, sealed for that request alone.

    The seal is the proof of who asks: raises `UnsealedProblem` for what was not sealed by our keys.
    """
    try:
        content = keys.unseal(sealed, purpose=REQUEST_PURPOSE)
    except UnsealableError:
        raise UnsealedProblem("This was not sealed for a preview by a key of this ring.") from None
    request = _request_in(content)
    async with database.reading(request.instance_id) as db:
        catalogues = await catalogues_of(db.connection, {request.instance_id})
    preview = BillingPreview(
        instance_id=request.instance_id,
        documentation_id=request.record.documentation_id,
        patients=preview_of(request.record, catalogues.get(request.instance_id, NO_CATALOGUE)),
    )
    return keys.seal(preview.model_dump(mode="json"), purpose=answer_purpose(sealed))


def _request_in(content: Any) -> PreviewRequest:
    try:
        return PreviewRequest.model_validate(content)
    except ValidationError:
        # Without its words: they would quote the record.
        raise InvalidProblem("What is sealed is no session record of this version.") from None


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
