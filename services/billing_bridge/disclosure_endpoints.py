"""The way in over HTTP: what of a patient went to billing systems."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.billing_bridge import schemas
from services.billing_bridge.disclosures import disclosure_page
from services.billing_bridge.endpoints import CurrentCall
from services.billing_bridge.use_cases import ACCOUNTANTS, as_biller
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit

router = APIRouter(prefix="/v1/billing", tags=["billing disclosures"])


@router.get("/patients/{patient_id}/disclosures", response_model=schemas.DisclosurePage)
async def list_disclosures(
    call: CurrentCall, patient_id: UUID, *, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> Response:
    """Account for what went to billing systems: when, to whom, of which session (45 CFR 164.528).

    For a Super Admin, a Records Admin or a user with Manage Billing.
    """
    deed = call.deed("disclosures.read")
    async with as_biller(
        call.database, deed, subject=patient_id, patient_id=patient_id, roles=ACCOUNTANTS
    ) as db:
        content = await disclosure_page(db, patient_id, cursor=cursor, limit=limit)
    return Response(content, media_type="application/json", headers={"Cache-Control": "no-store"})
