"""A charge, and its reversal, as the receiver reads them; `charge.schema.json` is the contract."""

from services.billing_bridge.domain import Charge
from shared.web.bodies import json_bytes


def body_of(charge: Charge, *, notice: str | None = None) -> bytes:
    """Write a charge as JSON: from what never changes, so that every attempt sends the same bytes."""
    return json_bytes(
        {
            "type": "charge.made",
            **_accompanied_by(notice),
            "data": {
                "charge_id": charge.charge_id,
                "session_id": charge.session_id,
                "documentation_id": charge.documentation_id,
                "patient": {"patient_id": charge.patient_id, "mrn": charge.mrn},
                "service_date": charge.service_date,
                "form": charge.form,
                "code": charge.code,
                "description": charge.description,
                "revenue_code": charge.revenue_code,
                "modifiers": charge.modifiers,
                "place_of_service": charge.place_of_service,
                "units": charge.units,
                "minutes": charge.minutes,
                "rendering_provider": {"name": charge.provider_name, "npi": charge.provider_npi},
                "group_size": charge.group_size,
                # Left out where there is none: charges of before it existed keep their bytes.
                **({"replaces": charge.replaces} if charge.replaces else {}),
            },
        }
    )


def reversal_body_of(charge: Charge, *, notice: str | None = None) -> bytes:
    """Write a charge's reversal as JSON; `reversal.schema.json` is the contract."""
    return json_bytes(
        {
            "type": "charge.reversed",
            **_accompanied_by(notice),
            "data": {
                "kind": "reversal",
                "charge_id": charge.charge_id,
                "session_id": charge.session_id,
                "documentation_id": charge.documentation_id,
                "patient": {"patient_id": charge.patient_id, "mrn": charge.mrn},
                "service_date": charge.service_date,
                "form": charge.form,
                "code": charge.code,
                "units": charge.units,
            },
        }
    )


def _accompanied_by(notice: str | None) -> dict[str, str]:
    # Left out where there is none: what was sent before there were notices keeps its bytes.
    return {"notice": notice} if notice else {}
