"""One front end's stream, as server-sent events (WHATWG HTML): what is new for a user, until its end."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func
from sqlalchemy.exc import DBAPIError

from services.sessions.directory.permissions import Action, may
from services.sessions.directory.repository import load_access
from services.sessions.stream.models import SESSION_CHANGE
from services.sessions.stream.numbering import LOOK_EVERY_SECONDS, Lookout
from shared.clock import Clock
from shared.database.transactions import Database, Transaction
from shared.events.staff import StaffAccess
from shared.web.bodies import json_bytes
from shared.web.identity import Identity
from shared.web.problems import Problem

RETRY_MILLISECONDS: Final = 2000
HEARTBEAT_SECONDS: Final = 15.0
"""Less than any proxy waits; the permission is looked at as often."""
READ_AT_ONCE: Final = 200
STREAMS_EACH: Final = 6
"""How many streams one user may have open in one process: a browser opens no more to one host either."""


class TooManyStreamsProblem(Problem):
    """The user has as many streams open as one may have (429)."""

    status, name, title = 429, "too-many-streams", "Too many streams are open"


@dataclass(frozen=True, kw_only=True)
class Streams:
    """The open streams of this process. They hold no connection to the database while they wait."""

    database: Database
    clock: Clock
    lookout: Lookout
    heartbeat_seconds: float = HEARTBEAT_SECONDS
    _open: Counter[UUID] = field(default_factory=Counter)

    def enter(self, user_id: UUID) -> None:
        """Count one more; raises `TooManyStreamsProblem`."""
        if self._open[user_id] >= STREAMS_EACH:
            raise TooManyStreamsProblem(
                f"You have {STREAMS_EACH} streams open; close one, or share one between tabs.",
                headers={"Retry-After": "5"},
            )
        self._open[user_id] += 1

    def leave(self, user_id: UUID) -> None:
        """Count one less."""
        self._open[user_id] -= 1
        if not self._open[user_id]:
            del self._open[user_id]

    async def follow(
        self, identity: Identity, *, after: int | None, stopping: asyncio.Event
    ) -> AsyncIterator[bytes]:
        """Give the stream's bytes, from after a number or from now on, until it ends.

        It ends when the token expires, the user may see sessions no longer, or the server stops; the last
        event says which. Whoever asks for each next piece sets the pace: nothing is piled up here.
        """
        try:
            async for piece in self._follow(identity, after=after, stopping=stopping):
                yield piece
        except (DBAPIError, OSError):
            yield _end("unavailable")

    async def _follow(
        self, identity: Identity, *, after: int | None, stopping: asyncio.Event
    ) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        # Looked at anew: what was committed before the caller hears `ready` must lie behind it.
        last = await self.lookout.look(identity.instance_id)
        begin, name = (last, "ready") if after is None else await self._resumed(identity, after, last)
        yield f"retry: {RETRY_MILLISECONDS}\n".encode() + _event(name, {}, number=begin)
        beat = loop.time()
        while (reason := self._over(identity, stopping)) is None:
            last = await self.lookout.last_number(identity.instance_id)
            is_due = loop.time() - beat >= self.heartbeat_seconds
            if last > begin or is_due:
                news = await self._news(identity, begin)
                if news is None:
                    reason = "forbidden"
                    break
                begin = news.until
                if news.events or is_due:
                    yield news.events or f"id: {begin}\n:\n\n".encode()
                    beat = loop.time()
            if last <= begin:
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), LOOK_EVERY_SECONDS)
        yield _end(reason)

    def _over(self, identity: Identity, stopping: asyncio.Event) -> str | None:
        if stopping.is_set():
            return "stopping"
        return "token_expired" if self.clock() >= identity.expires_at else None

    async def _resumed(self, identity: Identity, after: int, last: int) -> tuple[int, str]:
        """Tell whether all that came after a number is still there; else the reader starts anew from now."""
        async with self.database.reading(identity.instance_id) as db:
            first = await db.one_or_none(db.rows_of(SESSION_CHANGE, func.min(SESSION_CHANGE.c.position)))
        oldest = first[0] if first is not None and first[0] is not None else last + 1
        return (after, "ready") if oldest - 1 <= after <= last else (last, "reset")

    async def _news(self, identity: Identity, after: int) -> "News | None":
        """Give what is new for this user, or None for one who may not see sessions now."""
        async with self.database.reading(identity.instance_id) as db:
            access = (await load_access(db, [identity.user_id])).get(identity.user_id)
            if access is None or not may(access, Action.SEE_SESSIONS):
                return None
            rows = await _read(db, after)
        events = b"".join(_told(row) for row in rows if _concerns(row, access))
        return News(events=events, until=rows[-1]["position"] if rows else after)


@dataclass(frozen=True, kw_only=True)
class News:
    """Some events, and the number up to which nothing is left."""

    events: bytes
    until: int


async def _read(db: Transaction, after: int) -> list[dict[str, Any]]:
    place = SESSION_CHANGE.c.position
    statement = db.rows_of(SESSION_CHANGE).where(place > after).order_by(place)
    return await db.records(statement.limit(READ_AT_ONCE))


def _concerns(row: Mapping[str, Any], access: StaffAccess) -> bool:
    if row["waiting"] is None:
        return True
    return str(access.user_id) in (row["user_ids"] or ()) or may(access, Action.START_ANY)


def _told(row: Mapping[str, Any]) -> bytes:
    if row["waiting"] is not None:
        facts = {name: row[name] for name in ("session_id", "waiting")}
        return _event("session_needs_attention", facts, number=row["position"])
    facts = {name: row[name] for name in ("session_id", "part", "status", "version")}
    return _event("session_changed", facts, number=row["position"])


def _event(name: str, facts: Mapping[str, Any], *, number: int) -> bytes:
    return f"id: {number}\nevent: {name}\ndata: ".encode() + json_bytes(facts) + b"\n\n"


def _end(reason: str) -> bytes:
    return b"event: end\ndata: " + json_bytes({"reason": reason}) + b"\n\n"
