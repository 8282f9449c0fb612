"""The demo's billing system: the reference receiver, in a process of its own."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.private_files import write_private

SECRET_BYTES = 32


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Where charges go, and the secret by which the receiver knows that they are ours."""

    url: str
    secret: str

    @property
    def counts_url(self) -> str:
        """Where it tells what it has taken."""
        return self.url.replace("/charges", "/counts")


@asynccontextmanager
async def receiver_in(folder: Path) -> AsyncIterator[Receiver]:
    """Run the receiver during the block; what it accepts is kept in `folder`."""
    folder.mkdir(parents=True)
    secret = f"whsec_{base64.b64encode(os.urandom(SECRET_BYTES)).decode()}"
    write_private(folder / "secret", secret)
    module = "services.billing_bridge.connectors.webhook.receiver"
    files = ("--secret-file", str(folder / "secret"), "--keep-in", str(folder / "accepted.ndjson"))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *files), stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        if process.stdout is None:
            raise BrokenPipeError
        yield Receiver(url=(await process.stdout.readline()).decode().strip(), secret=secret)
    finally:
        process.terminate()
        await process.wait()
