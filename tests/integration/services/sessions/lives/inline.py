"""What stands between a test and the application, made short: no thread, no socket, no HTTP library.

A step of a life is one request, and tens of thousands of them are made. The application, its routes, its
middleware and its statements are the real ones.
"""

import json
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import aiosqlite
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine


class InlineConnection(aiosqlite.Connection):
    """Runs each statement where it is asked for; aiosqlite would wake a thread and wait for it."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        return fn(*args, **kwargs)


def run_inline(engine: AsyncEngine) -> None:
    """Have an engine on SQLite open such connections, and wait for no disk: nobody pulls a test's plug."""

    @event.listens_for(engine.sync_engine, "do_connect")
    def _(_dialect: Any, _record: Any, _args: Any, parameters: dict[str, Any]) -> None:
        parameters["async_creator_fn"] = _connect

    @event.listens_for(engine.sync_engine, "connect")
    def _(opened: Any, _record: Any) -> None:
        opened.execute("PRAGMA synchronous = OFF")


def _connect(*args: Any, **parameters: Any) -> Awaitable[aiosqlite.Connection]:
    usual = aiosqlite.connect(*args, **parameters)
    inline = InlineConnection(usual._connector, iter_chunk_size=64)
    # aiosqlite's thread still opens and closes it.
    inline._thread.daemon = True
    return inline


@dataclass
class Answer:
    """One response."""

    status_code: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


async def ask(
    application: FastAPI, method: str, path: str, *, content: bytes, headers: Iterable[tuple[bytes, bytes]]
) -> Answer:
    """Send one request as an ASGI server would."""
    answer = Answer()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status_code = message["status"]
            answer.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            answer.content += message.get("body", b"")

    await application(_scope(method, path, headers), receive, send)
    return answer


def _scope(method: str, path: str, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("sessions", 80),
        "client": ("127.0.0.1", 50_000),
        "root_path": "",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": list(headers),
    }
