"""Which notes are filed, for services alone: in no public description, and closed at the proxy."""

from fastapi import APIRouter, Request, Response

from services.charts.filed import answer_filed
from shared.events.filing import FILED_PATH
from shared.web.bodies import json_response
from shared.web.sealed import Sealed, SealedRequest

filed_router = APIRouter(include_in_schema=False)


@filed_router.post(FILED_PATH)
async def filed(body: SealedRequest, request: Request) -> Response:
    """Tell which notes are filed (BILL-10). Asking again changes nothing."""
    state = request.app.state
    answer = await answer_filed(state.database, body.sealed, keys=state.settings.keys, at=state.clock())
    return json_response(Sealed(sealed=answer).model_dump())
