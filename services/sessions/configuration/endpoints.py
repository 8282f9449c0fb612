"""Settings over HTTP."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from services.sessions.configuration.schemas import Settings, SettingsChange
from services.sessions.configuration.use_cases import change_settings, read_settings
from services.sessions.requests import CurrentCall
from shared.web.bodies import etag_of, json_response
from shared.web.preconditions import IfMatch

router = APIRouter(prefix="/v1/settings", tags=["settings"])


@router.get("", response_model=Settings)
async def get_settings(call: CurrentCall) -> Response:
    """Give the settings of the caller's instance."""
    settings = await read_settings(call.database, call.identity)
    return json_response(asdict(settings), headers={"ETag": etag_of(settings.version)})


@router.patch("", response_model=Settings)
async def patch_settings(change: SettingsChange, call: CurrentCall, if_match: IfMatch = None) -> Response:
    """Change settings; Super Admins only (SET-1).

    `If-Match` may be left out: each setting is a choice of its own, and none can overwrite another's.
    """
    changes = change.model_dump(exclude_unset=True)
    settings = await change_settings(
        call.database, call.identity, changes, if_match=if_match, clock=call.clock
    )
    return json_response(asdict(settings), headers={"ETag": etag_of(settings.version)})
