"""A folder on an SFTP server: a batch appears there whole, and a cut leaves a trace of how far it came.

Both files are written under names that no reader looks for, then renamed, the totals last. As long as one of
these names is there, the totals were never to be seen: the batch certainly does not count.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from posixpath import join
from typing import Final, Self, cast
from urllib.parse import unquote, urlsplit

import asyncssh

from services.billing_bridge.batches import Batch
from services.billing_bridge.connector import NothingSentError, OutcomeUnknownError
from services.billing_bridge.networks import Networks
from services.billing_bridge.outcomes import Outcome, Verdict
from services.billing_bridge.outside import CONNECT_SECONDS

DEFAULT_PORT: Final = 22


@dataclass(frozen=True, kw_only=True)
class Login:
    """Whom to talk to, and as whom."""

    url: str
    user: str
    secret: str = field(repr=False)
    """A password or a private key."""
    host_keys: tuple[str, ...]
    networks: Networks
    seconds: float
    """From the login to the last byte."""

    @property
    def shown(self) -> dict[str, object]:
        """Give what is shown of us; neither an agent nor a file of this machine is looked at."""
        if self.secret.startswith("-----BEGIN"):
            key = asyncssh.import_private_key(self.secret)
            return {"client_keys": [key], "preferred_auth": "publickey"}
        return {
            "client_keys": None,
            "password": self.secret,
            "preferred_auth": "password,keyboard-interactive",
        }


@dataclass(frozen=True, kw_only=True)
class Places:
    """The names of a batch: those a reader waits for, and those under which it is written."""

    content: str
    totals: str
    writing_content: str
    writing_totals: str

    @classmethod
    def of(cls, url: str, batch: Batch) -> Self:
        """Name the places of a batch: the same ones every time."""
        folder = unquote(urlsplit(url).path) or "."
        return cls(
            content=join(folder, f"{batch.name}.csv"),
            totals=join(folder, f"{batch.name}.totals.json"),
            writing_content=join(folder, f".writing-{batch.name}.csv"),
            writing_totals=join(folder, f".writing-{batch.name}.totals.json"),
        )


@contextlib.asynccontextmanager
async def opened(login: Login) -> AsyncIterator[asyncssh.SFTPClient]:
    """Log in at a server whose key is known and whose address was looked at.

    Raises `NothingSentError`; what breaks after the login, or takes too long, is `OutcomeUnknownError`.
    """
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await stack.enter_async_context(await _connected(login))
                sftp = await stack.enter_async_context(connection.start_sftp_client())
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise NothingSentError(f"Nothing was sent: {type(error).__name__}.") from None
        try:
            async with asyncio.timeout(login.seconds):
                yield sftp
        except (OSError, asyncssh.Error, TimeoutError) as error:
            connection.abort()
            raise OutcomeUnknownError(f"The file could not be finished: {type(error).__name__}.") from None


async def _connected(login: Login) -> asyncssh.SSHClientConnection:
    parts = urlsplit(login.url)
    port = parts.port or DEFAULT_PORT
    trusted = [asyncssh.import_public_key(one) for one in login.host_keys]
    failed: OSError | None = None
    for address in await login.networks.addresses_of(parts.hostname or "", port):
        try:
            return await asyncssh.connect(
                address,
                port,
                config=None,
                known_hosts=(trusted, [], []),
                username=login.user,
                agent_path=None,
                **login.shown,
            )
        except OSError as error:
            failed = error
    raise failed or ConnectionError


async def upload(sftp: asyncssh.SFTPClient, places: Places, batch: Batch) -> None:
    """Bring a batch there; one that lies there already, whole, is left as it is."""
    if await _read(sftp, places.totals) == batch.totals:
        return
    try:
        await _write(sftp, places.writing_content, batch.content)
        await _write(sftp, places.writing_totals, batch.totals)
    except asyncssh.SFTPError as error:
        # Whatever it was, nothing bears a name that counts yet.
        raise NothingSentError(f"Nothing was laid down: {type(error).__name__}.") from None
    await sftp.posix_rename(places.writing_content, places.content)
    await sftp.posix_rename(places.writing_totals, places.totals)


async def find(sftp: asyncssh.SFTPClient, places: Places, batch: Batch) -> Outcome:
    """Tell whether a batch lies there whole, was never finished, or is gone."""
    if await _read(sftp, places.totals) == batch.totals and await _size(sftp, places.content) == len(
        batch.content
    ):
        return Outcome(verdict=Verdict.ACCEPTED, receipt_id=batch.name)
    if await sftp.exists(places.writing_content) or await sftp.exists(places.writing_totals):
        return Outcome(verdict=Verdict.NOT_TAKEN, reason="The upload was cut and never finished.")
    return Outcome(verdict=Verdict.UNKNOWN, reason="The file is not there: it may have been fetched.")


async def _write(sftp: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    async with sftp.open(path, "wb") as file:
        await file.write(content)
        # Not every server can.
        with contextlib.suppress(asyncssh.SFTPOpUnsupported):
            await file.fsync()


async def _read(sftp: asyncssh.SFTPClient, path: str) -> bytes | None:
    try:
        async with sftp.open(path, "rb") as file:
            # Its types can't tell that a file opened for bytes gives bytes.
            return cast("bytes", await file.read())
    except asyncssh.SFTPNoSuchFile:
        return None


async def _size(sftp: asyncssh.SFTPClient, path: str) -> int | None:
    try:
        return (await sftp.stat(path)).size
    except asyncssh.SFTPNoSuchFile:
        return None
