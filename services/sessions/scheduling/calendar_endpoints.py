"""Calendar feeds over HTTP."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response

from services.sessions.requests import CurrentCall
from services.sessions.scheduling import answers
from services.sessions.scheduling.calendars import list_feeds, open_feed, read_feed, revoke_feed
from services.sessions.scheduling.schemas import NewFeed
from shared.web.bodies import json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit

CALENDARS_PATH: Final = "/v1/calendars/"
"""Open to whoever knows what follows: a calendar program has no access token."""

feeds_router = APIRouter(tags=["calendars"])


@feeds_router.post("/v1/calendar-feeds", status_code=201, response_model=answers.NewFeedAnswer)
async def post_feed(body: NewFeed, call: CurrentCall) -> Response:
    """Make an address of a calendar that can be subscribed to; it is shown this once (SCH-7)."""
    made = await open_feed(call.database, call.identity, patient_id=body.patient_id, clock=call.clock)
    return json_response({"id": made.feed_id, "path": f"{CALENDARS_PATH}{made.token}.ics"}, status=201)


@feeds_router.get("/v1/calendar-feeds", response_model=answers.FeedPage)
async def get_feeds(
    call: CurrentCall, patient_id: UUID | None = None, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> Response:
    """List a patient's feeds, or the caller's own."""
    page = await list_feeds(call.database, call.identity, patient_id=patient_id, cursor=cursor, limit=limit)
    return json_response(page.body())


@feeds_router.delete("/v1/calendar-feeds/{feed_id}", status_code=204)
async def delete_feed(feed_id: UUID, call: CurrentCall) -> Response:
    """Revoke a feed: its address shows nothing any more."""
    await revoke_feed(call.database, call.identity, feed_id, clock=call.clock)
    return Response(status_code=204)


# Not in the schema: calendar programs follow the path that was given, with no access token.
@feeds_router.get(CALENDARS_PATH + "{token}.ics", include_in_schema=False)
async def get_calendar(request: Request, token: Annotated[str, Path(max_length=100)]) -> Response:
    """Give a calendar as RFC 5545 has it."""
    state = request.app.state
    calendar = await read_feed(state.database, token, clock=state.clock)
    headers = {"Cache-Control": "no-store"}
    return Response(calendar, media_type="text/calendar; charset=utf-8", headers=headers)
