"""What would be charged for a session before it is signed: asked of the billing bridge by HTTP (BILL-8).

Both ways the JSON travels sealed (`shared.web.sealed`), under the purpose named here.
"""

from typing import Final, Literal
from uuid import UUID

from shared.events.contract import Contract
from shared.events.record import Minutes, SessionRecord

PREVIEW_PATH: Final = "/v1/billing/preview"
REQUEST_PURPOSE: Final = "billing-preview"


class PreviewRequest(Contract):
    """One session as its event would carry it, were it completed now."""

    instance_id: UUID
    record: SessionRecord


class PreviewedCharge(Contract):
    """One line that would be charged."""

    form: Literal["professional", "institutional"]
    code: str
    """Empty where the template has none: the charge would be held."""
    description: str
    revenue_code: str | None
    modifiers: tuple[str, ...]
    place_of_service: str
    units: int
    minutes: Minutes
    held_because: str | None
    """Why it would be held (BILL-3); None: it would be sent."""


class PatientPreview(Contract):
    """What one present patient would be charged; nothing for a per diem group."""

    patient_id: UUID
    charges: tuple[PreviewedCharge, ...]


class BillingPreview(Contract):
    """The answer: every present patient, in the order of the record."""

    instance_id: UUID
    documentation_id: UUID
    patients: tuple[PatientPreview, ...]
