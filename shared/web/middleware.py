"""Pure ASGI middleware (three of Starlette's BaseHTTPMiddleware would cost six sevenths of the speed)."""

import time
from collections.abc import Collection, Iterable
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.identifiers import new_id
from shared.observability.metrics import REQUESTS
from shared.observability.tracing import span
from shared.web.identity import TokenVerifier
from shared.web.problems import Problem, TooLargeProblem, UnauthenticatedProblem, problem_response

BODY_BYTES_AT_MOST: Final = 2_000_000

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Others are counted together: a client may make up as many as it likes."""

_GUARDS: Final = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_GUARD_OF_JSON: Final = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""JSON opened as a page loads nothing and stands in no frame; pages say for themselves what they need."""

log = structlog.get_logger()


class Observed:
    """Gives every request an id, measures it, and turns a crash into a problem without its text."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Whoever calls us may have begun a trace; else it begins here.
        with span("request", after=_header(scope, b"traceparent")):
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, started, status = str(new_id()), time.perf_counter(), 500

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _guarded(message.get("headers", ()), request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception:
            log.exception("A request failed.", code="request.failed", request_id=request_id)
            await problem_response(_Broken(f"The request {request_id} failed on our side."))(
                scope, receive, send_marked
            )
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            method = scope["method"] if scope["method"] in METHODS else "other"
            REQUESTS.labels(method, route, status).observe(time.perf_counter() - started)


def _guarded(headers: Iterable[tuple[bytes, bytes]], request_id: str) -> list[tuple[bytes, bytes]]:
    said = dict(headers)
    guards = [one for one in _GUARDS if one[0] not in said]
    if b"json" in said.get(b"content-type", b""):
        guards.append(_GUARD_OF_JSON)
    return [*headers, (b"x-request-id", request_id.encode()), *guards]


class _Broken(Problem):
    """Something of ours failed (500)."""

    status, name, title = 500, "internal-error", "Something failed on our side"


class Limited:
    """Refuses bodies that are larger than any request of ours, told or not."""

    def __init__(
        self, app: ASGIApp, *, bytes_at_most: int = BODY_BYTES_AT_MOST, unlimited: Collection[str] = ()
    ) -> None:
        self._app = app
        self._bytes_at_most = bytes_at_most
        self._unlimited = unlimited

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] in self._unlimited:
            await self._app(scope, receive, send)
            return
        declared = _header(scope, b"content-length")
        problem = TooLargeProblem(f"A request body may have {self._bytes_at_most} bytes at most.")
        if declared is not None and declared.isdigit() and int(declared) > self._bytes_at_most:
            await problem_response(problem)(scope, receive, send)
            return
        left = self._bytes_at_most

        async def receive_counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise problem
            return message

        async def send_unless_refused(message: Message) -> None:
            # The framework answers 400, whatever was raised while it read the body.
            if left >= 0:
                await send(message)

        await self._app(scope, receive_counted, send_unless_refused)
        if left < 0:
            await problem_response(problem)(scope, receive, send)


class Identified:
    """Lets no request through without a valid access token, but for the paths that are open to all.

    An open path that ends with a slash opens all below it.
    """

    def __init__(self, app: ASGIApp, *, verifier: TokenVerifier, open_paths: Collection[str]) -> None:
        self._app = app
        self._verifier = verifier
        self._open_paths = frozenset(open_paths)
        self._open_below = tuple(path for path in open_paths if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not self._is_open(scope["path"]):
            try:
                scope["identity"] = await self._verifier.verify(_bearer(scope))
            except Problem as problem:
                await problem_response(problem)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path in self._open_paths or path.startswith(self._open_below)


def _bearer(scope: Scope) -> str:
    scheme, _, token = (_header(scope, b"authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise UnauthenticatedProblem(
            "Send an access token: `Authorization: Bearer ...`.", headers={"WWW-Authenticate": "Bearer"}
        )
    return token


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin-1"))
    return None
