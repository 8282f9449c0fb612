"""Locations over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.directory import answers, places, views
from services.sessions.directory.schemas import LocationChange, NewLocation
from services.sessions.directory.use_cases import access_of
from services.sessions.requests import CurrentCall
from shared.web.bodies import etag_of, json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit
from shared.web.preconditions import IfMatch

router = APIRouter(prefix="/v1/directory", tags=["directory"])


@router.get("/locations", response_model=answers.LocationPage)
async def list_locations(call: CurrentCall, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None) -> Response:
    """List locations by name."""
    async with call.database.reading(call.identity.instance_id) as db:
        await access_of(db, call.identity)
        page = await views.locations(db, cursor=cursor, limit=limit)
    return json_response(page.body())


@router.post("/locations", status_code=201, response_model=answers.LocationAnswer)
async def post_location(body: NewLocation, call: CurrentCall) -> Response:
    """Add a location."""
    location = await places.add_location(call.database, call.identity, dict(body), clock=call.clock)
    return _location(location, status=201)


@router.get("/locations/{location_id}", response_model=answers.LocationAnswer)
async def get_location(location_id: UUID, call: CurrentCall) -> Response:
    """Give one location."""
    return _location(await places.read_location(call.database, call.identity, location_id))


@router.patch("/locations/{location_id}", response_model=answers.LocationAnswer)
async def patch_location(
    location_id: UUID, body: LocationChange, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Change a location over the version that was read."""
    location = await places.change_location(
        call.database, call.identity, location_id, body.stated(), if_match=if_match, clock=call.clock
    )
    return _location(location)


def _location(location: dict[str, Any], *, status: int = 200) -> Response:
    return json_response(location, status=status, headers={"ETag": etag_of(location["version"])})
