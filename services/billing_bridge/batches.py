"""A file of charges, and the totals that say what it must hold."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from services.billing_bridge.domain import Charge

ORIGINAL, VOID = "1", "8"
"""CLM05-3 of an 837: an original claim, and one that takes an earlier one back."""
MODIFIERS: Final = 4
COLUMNS: Final = (
    "kind", "line_control_number", "charge_id", "replaces", "claim_form", "claim_control_number",
    "frequency_code", "patient_id", "mrn", "service_date", "place_of_service", "procedure_code",
    "modifier_1", "modifier_2", "modifier_3", "modifier_4", "description", "revenue_code", "unit_basis",
    "units", "minutes", "rendering_provider_npi", "rendering_provider_name", "group_size",
)  # fmt: skip
"""`docs/receiving-charges.md` says which element of an 837 each stands for."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What is written, under a name that the same charges always give."""

    name: str
    content: bytes
    totals: bytes


def batch_of(charges: Sequence[Charge], *, reversing: bool, notice: str | None = None) -> Batch:
    """Write charges, or their reversal, in the order of their ids: the same ones are the same bytes."""
    ordered = sorted(charges, key=lambda one: one.charge_id)
    kind = "reversals" if reversing else "charges"
    keys = "\n".join(_key(one, reversing=reversing) for one in ordered)
    name = f"{kind}-{hashlib.sha256(keys.encode()).hexdigest()[:20]}"
    content = _csv([_row(one, reversing=reversing) for one in ordered])
    return Batch(name=name, content=content, totals=_totals(ordered, name, kind, content, notice))


def _key(charge: Charge, *, reversing: bool) -> str:
    return charge.reversal_key if reversing else str(charge.charge_id)


def _csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _row(charge: Charge, *, reversing: bool) -> dict[str, Any]:
    modifiers = (*charge.modifiers, *("",) * MODIFIERS)[:MODIFIERS]
    return {
        "kind": "reversal" if reversing else "charge",
        "line_control_number": charge.charge_id.hex[:30],
        "charge_id": charge.charge_id,
        "replaces": charge.replaces or "",
        "claim_form": charge.form.value,
        "claim_control_number": hashlib.sha256(
            f"{charge.session_id}{charge.patient_id}{charge.form}".encode()
        ).hexdigest()[:20],
        "frequency_code": VOID if reversing else ORIGINAL,
        "patient_id": charge.patient_id,
        "mrn": charge.mrn,
        "service_date": charge.service_date.strftime("%Y%m%d"),
        "place_of_service": charge.place_of_service,
        "procedure_code": charge.code,
        **{f"modifier_{number}": one for number, one in enumerate(modifiers, start=1)},
        "description": charge.description,
        "revenue_code": charge.revenue_code or "",
        "unit_basis": "UN",
        "units": charge.units,
        "minutes": charge.minutes,
        "rendering_provider_npi": charge.provider_npi or "",
        "rendering_provider_name": charge.provider_name,
        "group_size": charge.group_size,
    }


def _totals(charges: Sequence[Charge], name: str, kind: str, content: bytes, notice: str | None) -> bytes:
    totals = {
        **({"notice": notice} if notice else {}),
        "file": f"{name}.csv",
        "kind": kind,
        "lines": len(charges),
        "patients": len({one.patient_id for one in charges}),
        "units": sum(one.units for one in charges),
        "minutes": sum(one.minutes for one in charges),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return orjson.dumps(totals, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
