"""Serves a POST with an `Idempotency-Key` once, however often it is sent."""

import re
from collections.abc import Collection
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.idempotency import Answer, Idempotency, Keyed
from shared.web.problems import Problem, problem_response

HEADER: Final = b"idempotency-key"
READS_END_WITH: Final = "/search"
"""A POST that only reads takes no key: doing it twice is as good, and nothing of it is kept."""
FORGOTTEN: Final = frozenset({401, 408, 413, 429})
"""Answers that are about the moment: a new log-in or a later time may change them."""
SERVER_ERROR: Final = 500
COLUMN_CHARACTERS: Final = 80
"""What the audit trail takes of an action or a subject."""

_KEY: Final = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e]{1,200})"?')


class MalformedKeyProblem(Problem):
    """The key is empty, too long or not of visible ASCII characters (400)."""

    status, name, title = 400, "malformed-idempotency-key", "The Idempotency-Key is not valid"


class Idempotent:
    """Serves every POST with a key once, whoever asks how often."""

    def __init__(self, app: ASGIApp, *, idempotency: Idempotency, unkept: Collection[str]) -> None:
        self._app = app
        self._idempotency = idempotency
        self._unkept = unkept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        sent = dict(scope["headers"]).get(HEADER) if scope["type"] == "http" else None
        if sent is None or scope["method"] != "POST" or "identity" not in scope or self._is_unkept(scope):
            await self._app(scope, receive, send)
            return
        try:
            key, body = _key_of(sent), await _whole_body(receive)
            if body is None:
                return
            request = Keyed(identity=scope["identity"], key=key, sha256=_digest(scope, body))
            reserved = await self._idempotency.reserve(request)
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        first = reserved.first
        answer = first or await self._serve(scope, request, body, access_version=reserved.access_version)
        headers = answer.headers if first is None else answer.headers | {"idempotent-replayed": "true"}
        await Response(answer.body, status_code=answer.status, headers=headers)(scope, receive, send)

    def _is_unkept(self, scope: Scope) -> bool:
        # An import is read piece by piece, and importing twice is importing once.
        path: str = scope["path"]
        return path in self._unkept or path.endswith(READS_END_WITH)

    async def _serve(
        self, scope: Scope, request: Keyed, body: bytes, *, access_version: int | None
    ) -> Answer:
        answer = Answer()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                answer.body += message.get("body", b"")

        try:
            await self._app(scope, receive, send)
        except Exception:
            await self._idempotency.release(request)
            raise
        if answer.status >= SERVER_ERROR or answer.status in FORGOTTEN:
            await self._idempotency.release(request)
        else:
            _describe(answer, scope)
            await self._idempotency.keep(request, answer, access_version=access_version)
        return answer


def _key_of(sent: bytes) -> str:
    found = _KEY.fullmatch(sent.decode("latin-1"))
    if found is None:
        raise MalformedKeyProblem("A key has 1 to 200 visible ASCII characters; a UUID is a good one.")
    return found[1]


async def _whole_body(receive: Receive) -> bytes | None:
    """Give the body, or None when the caller went away before its end."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _digest(scope: Scope, body: bytes) -> str:
    asked = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}\n"
    return sha256(asked.encode(errors="surrogatepass") + body).hexdigest()


def _describe(answer: Answer, scope: Scope) -> None:
    """Say what the trail will tell of this answer: the route, and the ids in the address or the answer."""
    route = getattr(scope.get("route"), "path", "unmatched")
    in_path: dict[str, Any] = scope.get("path_params") or {}
    shown = _shown(answer)
    subject = next(iter(in_path.values()), shown.get("id") or "")
    patient_id = in_path.get("patient_id") or shown.get("patient_id")
    if route.endswith("/patients") and not in_path:
        patient_id = shown.get("id")
    answer.action = f"replayed {scope['method']} {route}"[:COLUMN_CHARACTERS]
    answer.subject = str(subject)[:COLUMN_CHARACTERS]
    answer.patient_id = _id_or_none(patient_id)


def _shown(answer: Answer) -> dict[str, Any]:
    try:
        shown = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return shown if isinstance(shown, dict) else {}


def _id_or_none(value: object) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None
