"""Waiting for what other services do in their own time."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

from deploy.embedded.errors import OperatorError

WAIT_SECONDS: Final = 180.0
LOOK_EVERY_SECONDS: Final = 0.1


class StillOpenError(OperatorError):
    """The day's work was not done in three minutes; see the logs of the parts."""


async def eventually(done: Callable[[], Awaitable[bool]]) -> None:
    """Return as soon as it is done; raises `StillOpenError`."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not await done():
        if time.monotonic() > deadline:
            raise StillOpenError
        await asyncio.sleep(LOOK_EVERY_SECONDS)
