"""OAuth 2.0 at the built-in issuer: tokens are given, renewed and given back (RFC 6749, RFC 7009)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from services.sessions.logging_in.by_code.codes import redeem
from services.sessions.logging_in.by_code.domain import OPENID
from services.sessions.logging_in.domain import ACCESS_TOKEN_LASTS
from services.sessions.logging_in.endpoints import tokens
from services.sessions.logging_in.forms import FORM, OAuthError, form_of, needed
from services.sessions.logging_in.schemas import Token
from services.sessions.logging_in.use_cases import log_out, refresh
from services.sessions.service_accounts.tokens import prove_account
from shared.web.bodies import json_response
from shared.web.problems import UnauthenticatedProblem

TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - an address
REVOCATION_PATH: Final = "/oauth/revocation"
JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {
        "description": "Refused, as RFC 6749, 5.2 says",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error", "error_description"],
                    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
                }
            }
        },
    }
}

Form = Mapping[str, str]

router = APIRouter(tags=["log-in"])


def _form(*required: str, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Describe a form, whose fields are all text."""
    fields = {name: {"type": "string"} for name in (*required, *optional)}
    schema = {"type": "object", "required": list(required), "properties": fields}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}}}}


async def _refreshed(request: Request, form: Form) -> dict[str, Any]:
    state = request.app.state
    token = needed(form, "refresh_token")
    try:
        opened = await refresh(
            state.database,
            token=token,
            client_id=form.get("client_id"),
            limits=state.log_in_limits,
            clock=state.clock,
        )
    except UnauthenticatedProblem as problem:
        raise OAuthError("invalid_grant", problem.detail) from None
    return tokens(request, opened)


async def _by_code(request: Request, form: Form) -> dict[str, Any]:
    state = request.app.state
    for name in ("code", "client_id", "redirect_uri", "code_verifier"):
        needed(form, name)
    try:
        redeemed = await redeem(state.database, form, limits=state.log_in_limits, clock=state.clock)
    except UnauthenticatedProblem as problem:
        raise OAuthError("invalid_grant", problem.detail) from None
    answer = tokens(request, redeemed.opened)
    if not redeemed.openid:
        return answer
    log_in, now = redeemed.opened.log_in, state.clock()
    id_token = state.issuer.id_token_for(
        user_id=log_in.user_id,
        client_id=redeemed.front_end_id,
        log_in_id=log_in.id,
        nonce=redeemed.nonce,
        authenticated_at=log_in.authenticated_at,
        at=now,
        expires_at=now + ACCESS_TOKEN_LASTS,
    )
    return answer | {"id_token": id_token, "scope": OPENID}


async def _for_account(request: Request, form: Form) -> dict[str, Any]:
    state = request.app.state
    if needed(form, "client_assertion_type") != JWT_BEARER:
        raise OAuthError("invalid_client", f"Use client_assertion_type={JWT_BEARER}.", status=401)
    assertion = needed(form, "client_assertion")
    try:
        account = await prove_account(state.database, assertion, issuer=state.issuer.name, clock=state.clock)
    except UnauthenticatedProblem as problem:
        raise OAuthError("invalid_client", problem.detail, status=401) from None
    now = state.clock()
    token = state.issuer.token_for(
        user_id=account.id, instance_id=account.instance_id, at=now, expires_at=now + ACCESS_TOKEN_LASTS
    )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(ACCESS_TOKEN_LASTS.total_seconds()),
        "scope": " ".join(account.scopes),
    }


GRANTS: Final[Mapping[str, Callable[[Request, Form], Awaitable[dict[str, Any]]]]] = {
    "authorization_code": _by_code,
    "refresh_token": _refreshed,
    "client_credentials": _for_account,
}


@router.post(
    TOKEN_PATH,
    response_model=Token,
    responses=REFUSED,
    openapi_extra=_form(
        "grant_type",
        optional=(
            "client_id",
            "code",
            "redirect_uri",
            "code_verifier",
            "refresh_token",
            "client_assertion_type",
            "client_assertion",
        ),
    ),
)
async def post_token(request: Request) -> Response:
    """Give tokens for a grant; refusals are those of RFC 6749, 5.2."""
    try:
        form = await form_of(request)
        grant = GRANTS.get(needed(form, "grant_type"))
        if grant is None:
            raise OAuthError("unsupported_grant_type", f"Use one of: {', '.join(GRANTS)}.")  # noqa: TRY301
        return json_response(await grant(request, form))
    except OAuthError as error:
        return error.response()


@router.post(REVOCATION_PATH, responses=REFUSED, openapi_extra=_form("token"))
async def post_revocation(request: Request) -> Response:
    """Log out: end the log-in of a refresh token (RFC 7009). A token that is not known is no error."""
    state = request.app.state
    try:
        await log_out(state.database, token=needed(await form_of(request), "token"), clock=state.clock)
    except OAuthError as error:
        return error.response()
    return Response(status_code=200)
