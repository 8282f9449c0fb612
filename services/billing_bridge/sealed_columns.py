"""What this service seals in its database, and why its other texts are plain."""

from collections.abc import Mapping
from typing import Final

from shared.database.sealed_columns import PLAIN_EVERYWHERE, SEALED_NEXT, Sealed

SEALED: Final[tuple[Sealed, ...]] = ()

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
    "charge.mrn": SEALED_NEXT,
    "charge.form": "one of our words",
    "charge.code": SEALED_NEXT,
    "charge.description": SEALED_NEXT,
    "charge.revenue_code": SEALED_NEXT,
    "charge.modifiers": SEALED_NEXT,
    "charge.place_of_service": "a code of where care is given",
    "charge.provider_name": "a member of staff",
    "charge.provider_npi": "public: the number of a member of staff",
    "charge.lacking": "names of facts that are missing",
    "charge_history.status": "one of our words",
    "charge_history.reason": SEALED_NEXT,
    "charge_status.system": "the name of a billing system",
    "charge_status.status": "one of our words",
    "charge_status.reason": SEALED_NEXT,
    "charge_status.receipt_id": "the other side's number",
    "connection.system": "the name of a billing system",
    "connection.url": "where a billing system is",
    "connection.sealed_secret": "sealed by the connection keys",
    "connection.sealed_certificate": "sealed by the connection keys",
    "connection.settings": "how a billing system is spoken to",
    "connection.paused_because": "what an operator or we say of a billing system",
    "connection.pacing": "how fast charges go",
    "connection.rhythm": "how fast charges go, in words",
    "documented_session.present": "ids",
    "documented_session.billed_as": "one of our words",
    "push_attempt.url": "where a billing system is",
    "push_attempt.kind": "one of our words",
    "push_result.verdict": "one of our words",
    "push_result.reason": SEALED_NEXT,
    "push_result.receipt_id": "the other side's number",
    "push_result.answer": SEALED_NEXT,
}
