"""The live stream over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import TRAIL
from services.sessions.requests import CurrentCall
from services.sessions.stream.following import Streams
from shared.database.audit import record_access
from shared.web.identity import Identity
from shared.web.stopping import stopping_of

STREAM_PATH: Final = "/v1/stream"
MEDIA_TYPE: Final = "text/event-stream"
LAST_NUMBER_AT_MOST: Final = 2**63 - 1

router = APIRouter(tags=["stream"])

_DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Server-sent events: ready, reset, session_changed, session_needs_attention, end.",
        "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
    }
}


class EventStream(StreamingResponse):
    """A stream that is counted as open until it has ended, in whatever way."""

    media_type = MEDIA_TYPE

    def __init__(self, streams: Streams, identity: Identity, pieces: AsyncIterator[bytes]) -> None:
        # The last one asks nginx not to collect pieces before it passes them on.
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(pieces, headers=headers)
        self._streams, self._identity = streams, identity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.leave(self._identity.user_id)


@router.get(STREAM_PATH, status_code=200, response_class=EventStream, responses=_DESCRIBED)
async def get_stream(
    request: Request,
    call: CurrentCall,
    last_event_id: Annotated[int | None, Header(ge=0, le=LAST_NUMBER_AT_MOST)] = None,
) -> EventStream:
    """Follow the changes of sessions; `Last-Event-ID` resumes where an earlier stream has ended.

    Events have ids, kinds and versions alone; what has changed is read through the API.
    """
    async with call.database.writing(call.identity.instance_id) as db:
        await permit(db, call.identity, Action.SEE_SESSIONS)
        await record_access(
            db,
            TRAIL,
            at=call.clock(),
            user_id=call.identity.user_id,
            action="stream.opened",
            subject=call.identity.instance_id,
        )
    streams: Streams = request.app.state.streams
    streams.enter(call.identity.user_id)
    stopping: asyncio.Event = stopping_of(request)
    return EventStream(
        streams, call.identity, streams.follow(call.identity, after=last_event_id, stopping=stopping)
    )
