"""The page to log in at: authorization code with PKCE, for front ends of the built-in issuer (OAuth 2.1)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import ValidationError

from services.sessions.logging_in.by_code.codes import FrontEnd, front_end_of, give_code
from services.sessions.logging_in.by_code.domain import (
    PARAMETERS,
    Asked,
    RequestRefusedError,
    asked,
    origin_of,
    with_answer,
)
from services.sessions.logging_in.endpoints import address_of
from services.sessions.logging_in.forms import FORM, OAuthError, fields_of, form_of
from services.sessions.logging_in.schemas import LogIn
from services.sessions.logging_in.throttling import TooManyFailuresProblem
from services.sessions.logging_in.use_cases import WRONG
from shared.web.pages import Page
from shared.web.problems import UnauthenticatedProblem
from shared.web.queries import ignore_unknown_queries

AUTHORIZATION_PATH: Final = "/oauth/authorize"
PAGE: Final = Page(Path(__file__).parent / "templates", "log_in")
UNKEPT: Final = {"Cache-Control": "no-store"}
# Not no-referrer, as on all other answers: a browser would then send `Origin: null` with the form.
REFERRER: Final = {"Referrer-Policy": "same-origin"}

UNKNOWN: Final = "This program is not registered here, or not at the address that it wants to be answered at."
UNREADABLE: Final = "The program that sent you here asked in a way that can't be read."
FROM_ELSEWHERE: Final = "This form was sent from another site. Go back to the program and log in from there."

REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    303: {"description": "Back to the front end, with a code or with a refusal"},
    "4XX": {"description": "A page that says why", "content": {"text/html": {"schema": {"type": "string"}}}},
}

Fields = Mapping[str, str]

router = APIRouter(tags=["log-in"], default_response_class=HTMLResponse)


class _AnsweredError(Exception):
    """A request that goes no further."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


@router.get(
    AUTHORIZATION_PATH,
    dependencies=[Depends(ignore_unknown_queries)],
    openapi_extra={
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in PARAMETERS]
    },
    responses=REFUSED,
)
async def get_authorization(request: Request) -> Response:
    """Show the page to log in at; what is asked for wrongly is answered as RFC 6749, 4.1.2.1 says."""
    try:
        fields = fields_of(request.url.query)
        front_end, _ = await _checked(request, fields)
    except OAuthError:
        return _refusal(UNREADABLE)
    except _AnsweredError as answered:
        return answered.response
    return _page(fields, front_end)


@router.post(
    AUTHORIZATION_PATH,
    dependencies=[Depends(ignore_unknown_queries)],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {
                        "type": "object",
                        "required": ["login", "password"],
                        "properties": {
                            name: {"type": "string"} for name in (*PARAMETERS, "login", "password")
                        },
                    }
                }
            },
        }
    },
    responses=REFUSED,
)
async def post_authorization(request: Request) -> Response:
    """Take what was typed into the page, and send the browser back with a code that is good for a minute."""
    try:
        _require_own_form(request)
        fields = await form_of(request)
        front_end, wanted = await _checked(request, fields)
        code = await _code(request, fields, front_end, wanted)
    except OAuthError:
        return _refusal(UNREADABLE)
    except _AnsweredError as answered:
        return answered.response
    return _redirect(request, fields, {"code": code})


def _require_own_form(request: Request) -> None:
    """Refuse forms of other sites, which would log somebody in as somebody else.

    There is no cookie that could be misused: this and the code challenge are what such a form fails on.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        own = site in {"same-origin", "none"}
    else:
        # An older browser, an address without TLS, or no browser at all.
        own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not own:
        raise _AnsweredError(_refusal(FROM_ELSEWHERE, status=403))


async def _checked(request: Request, fields: Fields) -> tuple[FrontEnd, Asked]:
    front_end = await front_end_of(request.app.state.database, fields)
    if front_end is None:
        # Never to an address that nobody has registered (RFC 6749, 4.1.2.1).
        raise _AnsweredError(_refusal(UNKNOWN))
    try:
        return front_end, asked(fields)
    except RequestRefusedError as refused:
        answer = {"error": refused.code, "error_description": refused.description}
        raise _AnsweredError(_redirect(request, fields, answer)) from None


async def _code(request: Request, fields: Fields, front_end: FrontEnd, wanted: Asked) -> str:
    state = request.app.state
    login = fields.get("login", "")
    try:
        typed = LogIn.model_validate({"login": login, "password": fields.get("password", "")})
        return await give_code(
            state.database,
            front_end,
            wanted,
            login=typed.login,
            password=typed.password.get_secret_value(),
            address=address_of(request),
            clock=state.clock,
        )
    except TooManyFailuresProblem as problem:
        page = _page(fields, front_end, message=problem.detail, status=429, headers=problem.headers)
    except (UnauthenticatedProblem, ValidationError):
        page = _page(fields, front_end, message=WRONG, status=401)
    raise _AnsweredError(page)


def _redirect(request: Request, fields: Fields, answer: Mapping[str, str]) -> Response:
    """Send the browser back with an answer, and who gives it (RFC 9207)."""
    told = {**answer, "state": fields.get("state"), "iss": request.app.state.issuer.name}
    # 303: a browser must not send the password on (RFC 9700, 4.12).
    headers = {"Location": with_answer(fields["redirect_uri"], told)}
    return Response(status_code=303, headers=UNKEPT | headers)


def _refusal(message: str, *, status: int = 400) -> Response:
    return _html(PAGE.render(message=message, form=None), status=status)


def _page(
    fields: Fields,
    front_end: FrontEnd,
    *,
    message: str | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    form: dict[str, Any] = {
        "hidden": {name: fields[name] for name in PARAMETERS if name in fields},
        "login": fields.get("login", ""),
        "front_end": front_end.name,
        "place": urlsplit(fields["redirect_uri"]).netloc,
    }
    return _html(
        PAGE.render(message=message, form=form),
        # Browsers hold the redirect that follows to this too.
        form_action=f"'self' {origin_of(fields['redirect_uri'])}",
        status=status,
        headers=headers,
    )


def _html(
    page: str,
    *,
    form_action: str = "'none'",
    status: int,
    headers: Mapping[str, str] | None = None,
) -> Response:
    policy = {"Content-Security-Policy": PAGE.content_security_policy(form_action=form_action)}
    return HTMLResponse(page, status_code=status, headers={**UNKEPT, **REFERRER, **policy, **(headers or {})})
