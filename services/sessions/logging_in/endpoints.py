"""Logging in over HTTP: for clients that know a password, and for users who look after their log-ins."""

from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.sessions.logging_in import schemas
from services.sessions.logging_in.changing import change_password, replace_password, unlock_login
from services.sessions.logging_in.use_cases import Opened, end_own, log_in, own_log_ins
from services.sessions.requests import CurrentCall
from shared.web.bodies import json_response

KEYS_PATH: Final = "/.well-known/jwks.json"

router = APIRouter(tags=["log-in"])


@router.post("/v1/token", response_model=schemas.Token)
async def create_token(body: schemas.LogIn, request: Request) -> Response:
    """Log in at the built-in issuer. After failures the answer is 429, and `Retry-After` says how long."""
    state = request.app.state
    opened = await log_in(
        state.database,
        login=body.login,
        password=body.password.get_secret_value(),
        address=address_of(request),
        limits=state.log_in_limits,
        clock=state.clock,
    )
    return json_response(tokens(request, opened))


@router.get(KEYS_PATH)
async def get_public_keys(request: Request) -> Response:
    """Give the keys by which the built-in issuer's tokens are checked."""
    return json_response(request.app.state.issuer.public_keys())


@router.get("/v1/log-ins", response_model=schemas.OwnLogIns)
async def list_own_log_ins(call: CurrentCall, request: Request) -> Response:
    """List the caller's log-ins that go on, newest first."""
    limits = request.app.state.log_in_limits
    items = [
        {
            "id": one.id,
            "authenticated_at": one.authenticated_at,
            "last_used_at": one.last_used_at,
            "current": one.id == call.identity.log_in_id,
        }
        for one in await own_log_ins(call.database, call.identity, limits=limits, clock=call.clock)
    ]
    return json_response({"items": items})


@router.delete("/v1/log-ins/{log_in_id}", status_code=204)
async def delete_own_log_in(log_in_id: UUID, call: CurrentCall) -> Response:
    """End one of the caller's log-ins; its access token is good for five minutes at most."""
    await end_own(call.database, call.identity, log_in_id, clock=call.clock)
    return Response(status_code=204)


@router.put("/v1/directory/me/password", status_code=204)
async def put_password(body: schemas.PasswordChange, call: CurrentCall, request: Request) -> Response:
    """Change the caller's password; all their other log-ins end."""
    await change_password(
        call.database,
        call.identity,
        old=body.old_password.get_secret_value(),
        new=body.new_password.get_secret_value(),
        address=address_of(request),
        clock=call.clock,
    )
    return Response(status_code=204)


@router.post("/v1/directory/staff/{user_id}/login/unlock", status_code=204)
async def post_unlock(user_id: UUID, call: CurrentCall) -> Response:
    """Let a member of staff log in again after too many failures."""
    await unlock_login(call.database, call.identity, user_id, clock=call.clock)
    return Response(status_code=204)


@router.put("/v1/directory/staff/{user_id}/login/password", status_code=204)
async def put_password_of(user_id: UUID, body: schemas.PasswordOfAnother, call: CurrentCall) -> Response:
    """Give a member of staff a new password; all their log-ins end, and failures are forgotten."""
    await replace_password(
        call.database, call.identity, user_id, new=body.new_password.get_secret_value(), clock=call.clock
    )
    return Response(status_code=204)


def address_of(request: Request) -> str | None:
    """Give the address that a request comes from, as far as it is known."""
    return request.client.host if request.client else None


def tokens(request: Request, opened: Opened) -> dict[str, Any]:
    """Give the answer of RFC 6749, 5.1."""
    state = request.app.state
    now = state.clock()
    expires_at = state.log_in_limits.token_ends_at(authenticated_at=opened.log_in.authenticated_at, at=now)
    return {
        "access_token": state.issuer.token_for(
            user_id=opened.log_in.user_id,
            instance_id=opened.log_in.instance_id,
            log_in_id=opened.log_in.id,
            authenticated_at=opened.log_in.authenticated_at,
            at=now,
            expires_at=expires_at,
        ),
        "token_type": "Bearer",
        "expires_in": int((expires_at - now).total_seconds()),
        "refresh_token": opened.refresh_token,
    }
