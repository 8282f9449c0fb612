"""Settings over HTTP."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from services.sessions.configuration.schemas import SettingsChange
from services.sessions.configuration.use_cases import change_settings, read_settings
from services.sessions.requests import CurrentCall
from shared.web.bodies import etag_of, json_response

router = APIRouter(prefix="/v1/settings", tags=["settings"])


@router.get("")
async def get_settings(call: CurrentCall) -> Response:
    """Give the settings of the caller's instance."""
    settings = await read_settings(call.database, call.identity)
    return json_response(asdict(settings), headers={"ETag": etag_of(settings.version)})


@router.patch("")
async def patch_settings(change: SettingsChange, call: CurrentCall) -> Response:
    """Change settings; Super Admins only (SET-1)."""
    changes = change.model_dump(exclude_unset=True)
    settings = await change_settings(call.database, call.identity, changes, clock=call.clock)
    return json_response(asdict(settings), headers={"ETag": etag_of(settings.version)})
