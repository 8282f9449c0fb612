"""What this service seals in its database, and why its other texts are plain."""

from collections.abc import Mapping
from typing import Final

from shared.database.sealed_columns import PLAIN_EVERYWHERE, Sealed

SEALED_FACTS: Final = (
    "mrn", "description", "revenue_code", "modifiers", "patient_family", "patient_given", "patient_middle",
    "patient_born",
)  # fmt: skip
"""Columns of a charge, each sealed by itself."""
CHARGE: Final = ("charge_id",)
ATTEMPT: Final = ("charge_id", "number")

SEALED: Final = (
    *(Sealed(place=f"charge.{name}", row=CHARGE, insert_only=True) for name in SEALED_FACTS),
    # What a person or the other side says of a charge can name its patient.
    Sealed(place="charge_status.reason", row=CHARGE),
    Sealed(place="charge_history.reason", row=ATTEMPT, insert_only=True),
    Sealed(place="push_result.reason", row=ATTEMPT, insert_only=True),
    Sealed(place="push_result.answer", row=ATTEMPT, insert_only=True),
)

PLAIN: Final[Mapping[str, str]] = {
    **PLAIN_EVERYWHERE,
    "billing_code.kind": "one of our words",
    "billing_code.code": "a code of the catalogue: of no patient",
    "billing_code.description": "of a code, and of no patient",
    "billing_code.mode": "one of our words",
    "billing_code.place_of_service": "a code of the catalogue: of no patient",
    "billing_code.modifiers": "codes of the catalogue: of no patient",
    "billing_code.units": "rules of the catalogue: of no patient",
    "billing_code.bands": "rules of the catalogue: of no patient",
    "billing_code_version.facts": "an entry of the catalogue: of no patient",
    "charge.system": "the name of a billing system",
    "charge.form": "one of our words",
    # Reports choose and count by it; and who guesses it finds it in the charge's id, which is made of it.
    "charge.code": "a code of the catalogue, which the id is made of",
    "charge.place_of_service": "a code of where care is given",
    "charge.provider_name": "a member of staff",
    "charge.provider_npi": "public: the number of a member of staff",
    "charge.lacking": "names of facts that are missing",
    "charge.traceparent": "random numbers",
    "charge_history.status": "one of our words",
    "charge_status.system": "the name of a billing system",
    "charge_status.status": "one of our words",
    "charge_status.reason_blind": "blind",
    "charge_status.notice": "a notice to the other side, of no patient",
    "charge_status.receipt_id": "the other side's number",
    "connection.system": "the name of a billing system",
    "connection.url": "where a billing system is",
    "connection.sealed_secret": "sealed by the connection keys",
    "connection.sealed_certificate": "sealed by the connection keys",
    "connection.settings": "how a billing system is spoken to",
    "connection.paused_because": "what an operator or we say of a billing system",
    "connection.pacing": "how fast charges go",
    "connection.notice": "a notice to the other side, of no patient",
    "connection.rhythm": "how fast charges go, in words",
    "documented_session.present": "ids",
    "documented_session.billed_as": "one of our words",
    "push_attempt.url": "where a billing system is",
    "push_attempt.kind": "one of our words",
    "push_result.verdict": "one of our words",
    "push_result.receipt_id": "the other side's number",
}
