"""Tells requests that never end by themselves that their server stops; all others finish as they are."""

import asyncio
from types import FrameType
from typing import Final

import uvicorn
from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

KEY: Final = "opencircle.stopping"


class Stoppable:
    """Hands an application's requests the event that is set when the server is told to stop."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        scope[KEY] = self.stopping
        await self._app(scope, receive, send)


class Server(uvicorn.Server):
    """Sets that event at the signal: uvicorn tells applications only after their last request has ended."""

    def __init__(self, config: uvicorn.Config, *, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note a signal."""
        # No wake-up needed: the server's own loop turns ten times a second.
        self._stopping.set()
        super().handle_exit(sig, frame)


def stopping_of(request: Request) -> asyncio.Event:
    """Give the event of the server; under one that has none, it is never set."""
    stopping: asyncio.Event = request.scope.get(KEY) or asyncio.Event()
    return stopping
