"""Which notes are filed, for services alone: in no public description, and closed at the proxy."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field

from services.charts.filed import answer_filed
from shared.events.filing import FILED_PATH
from shared.web.bodies import json_response
from shared.web.shapes import Shape

SEALED_CHARACTERS_AT_MOST = 1_000_000

filed_router = APIRouter(include_in_schema=False)


class SealedRequest(Shape):
    """A question, sealed with the message keys."""

    sealed: Annotated[str, Field(max_length=SEALED_CHARACTERS_AT_MOST)]


@filed_router.post(FILED_PATH)
async def filed(body: SealedRequest, request: Request) -> Response:
    """Tell which notes are filed (BILL-10). Asking again changes nothing."""
    state = request.app.state
    answer = await answer_filed(state.database, body.sealed, keys=state.settings.keys, at=state.clock())
    return json_response({"sealed": answer})
