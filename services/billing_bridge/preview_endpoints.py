"""The preview, for services alone: in no public description, and closed at the proxy."""

from fastapi import APIRouter, Request, Response

from services.billing_bridge.previewing import answer_preview
from shared.events.preview import PREVIEW_PATH
from shared.web.bodies import json_response
from shared.web.sealed import Sealed, SealedRequest

preview_router = APIRouter(include_in_schema=False)


@preview_router.post(PREVIEW_PATH)
async def preview(body: SealedRequest, request: Request) -> Response:
    """Tell what a session would be charged, or held and why (BILL-8). Asking again changes nothing."""
    state = request.app.state
    answer = await answer_preview(state.database, body.sealed, keys=state.settings.keys)
    return json_response(Sealed(sealed=answer).model_dump())
