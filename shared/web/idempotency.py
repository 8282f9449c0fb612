"""`Idempotency-Key`: a POST that is sent again is done once, and answered as it was the first time.

After draft-ietf-httpapi-idempotency-key-header-07. The key is a user's own, and may be left out.
A key whose request never ended (its process died) stays unanswered: nobody can know whether it took
effect, and doing it again might do it twice.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import (
    JSON,
    Column,
    Index,
    LargeBinary,
    MetaData,
    Row,
    SmallInteger,
    String,
    Table,
    Uuid,
    delete,
    select,
    update,
)
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.clock import Clock
from shared.database.columns import UtcDateTime
from shared.database.dialects import upsert
from shared.database.transactions import Database
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, InvalidProblem, Problem, problem_response

HEADER: Final = b"idempotency-key"
KEPT_FOR: Final = timedelta(hours=24)
KEPT_HEADERS: Final = frozenset({"content-type", "etag", "location", "cache-control"})
FORGOTTEN: Final = frozenset({401, 408, 413, 429})
"""Answers that are about the moment: a new log-in or a later time may change them."""
SERVER_ERROR: Final = 500
PURGED_AT_ONCE: Final = 100

_KEY: Final = re.compile(r'"?([\x21\x23-\x5b\x5d-\x7e]{1,200})"?')


def idempotency_table(metadata: MetaData) -> Table:
    """Add the first answers to a service's tables. A row without a status is of a request that goes on."""
    return Table(
        "idempotency_key",
        metadata,
        Column("id", Uuid, primary_key=True),  # made from instance, user and key
        Column("instance_id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("request_sha256", String(64), nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("status", SmallInteger),
        Column("headers", JSON),
        Column("body", LargeBinary),
        Index("ix_idempotency_key_created_at", "created_at"),
    )


class MalformedKeyProblem(Problem):
    """The key is empty, too long or not of visible ASCII characters (400)."""

    status, name, title = 400, "malformed-idempotency-key", "The Idempotency-Key is not valid"


class KeyReusedProblem(InvalidProblem):
    """The key was sent with another request before (422)."""

    name, title = "idempotency-key-reused", "This Idempotency-Key belongs to another request"


class StillInProgressProblem(ConflictProblem):
    """The first request with this key has not ended (409)."""

    name, title = "idempotency-key-in-progress", "The first request with this Idempotency-Key has not ended"


@dataclass(kw_only=True)
class Answer:
    """What was answered, as it goes over the wire."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """First answers in a service's database, kept for 24 hours."""

    database: Database
    table: Table
    clock: Clock

    async def reserve(self, identity: Identity, key: str, request_sha256: str) -> Answer | None:
        """Take the key for a request, or give its first answer.

        Raises `KeyReusedProblem` or `StillInProgressProblem`. The row is committed before the request
        is served, so that of any number at once one is served.
        """
        values = {
            "id": _row_id(identity, key),
            "instance_id": identity.instance_id,
            "user_id": identity.user_id,
            "request_sha256": request_sha256,
            "created_at": self.clock(),
        }
        async with self.database.writing_for_all() as connection:
            await connection.execute(self._purge())
            insert = upsert(connection, self.table, values).on_conflict_do_nothing()
            if (await connection.execute(insert)).rowcount == 1:
                return None
            known = select(self.table).where(self.table.c.id == values["id"])
            return _first_answer((await connection.execute(known)).one(), request_sha256)

    async def keep(self, identity: Identity, key: str, answer: Answer) -> None:
        """Keep what was answered; only the headers that belong to the thing itself."""
        kept = {name: value for name, value in answer.headers.items() if name in KEPT_HEADERS}
        values = {"status": answer.status, "headers": kept, "body": answer.body}
        async with self.database.writing_for_all() as connection:
            mine = self.table.c.id == _row_id(identity, key)
            await connection.execute(update(self.table).where(mine).values(**values))

    async def release(self, identity: Identity, key: str) -> None:
        """Forget a request that had no effect: it may be sent again."""
        async with self.database.writing_for_all() as connection:
            await connection.execute(delete(self.table).where(self.table.c.id == _row_id(identity, key)))

    def _purge(self) -> Any:
        old = (
            select(self.table.c.id)
            .where(self.table.c.created_at < self.clock() - KEPT_FOR)
            .limit(PURGED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        return delete(self.table).where(self.table.c.id.in_(old))


def _row_id(identity: Identity, key: str) -> UUID:
    return uuid5(identity.user_id, f"{identity.instance_id}/{key}")


def _first_answer(row: Row[Any], request_sha256: str) -> Answer:
    if row.request_sha256 != request_sha256:
        raise KeyReusedProblem("Use a new key for a new request; this one came with another path or body.")
    if row.status is None:
        raise StillInProgressProblem("Try again in a moment; if that goes on, read whether it took effect.")
    return Answer(status=row.status, headers=row.headers, body=row.body)


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
            first = await self._idempotency.reserve(scope["identity"], key, _digest(scope, body))
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        answer = first or await self._serve(scope, key, body)
        headers = answer.headers if first is None else answer.headers | {"idempotent-replayed": "true"}
        await Response(answer.body, status_code=answer.status, headers=headers)(scope, receive, send)

    def _is_unkept(self, scope: Scope) -> bool:
        # An import is read piece by piece, and importing twice is importing once.
        return scope["path"] in self._unkept

    async def _serve(self, scope: Scope, key: str, body: bytes) -> Answer:
        identity, answer = scope["identity"], Answer()

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
            await self._idempotency.release(identity, key)
            raise
        if answer.status >= SERVER_ERROR or answer.status in FORGOTTEN:
            await self._idempotency.release(identity, key)
        else:
            await self._idempotency.keep(identity, key, answer)
        return answer


def _key_of(sent: bytes) -> str:
    found = _KEY.fullmatch(sent.decode("latin-1"))
    if found is None:
        raise MalformedKeyProblem("A key has 1 to 200 visible ASCII characters; a UUID is a good one.")
    return found[1]


async def _whole_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _digest(scope: Scope, body: bytes) -> str:
    asked = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}\n"
    return sha256(asked.encode(errors="surrogatepass") + body).hexdigest()
