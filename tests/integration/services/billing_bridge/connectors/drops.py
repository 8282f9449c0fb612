"""Other sides that fetch files: a folder of this machine, and asyncssh's own SFTP server."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import asyncssh

from services.billing_bridge.batches import batch_of
from services.billing_bridge.connector import Destination
from services.billing_bridge.domain import Charge
from services.billing_bridge.outside import Outside
from shared.testing.records import CLINIC
from tests.integration.services.billing_bridge.connectors.speakers import (
    ACCEPT,
    FAIL,
    HANG,
    HANG_UP,
    LATE,
    LATE_SECONDS,
)

USER: Final = "clinic"
PASSWORD: Final = "a-password-of-the-clinic"
REFUSE: Final = "refuse the file"
CUT_WRITING, CUT_TOTALS = "hang up while it is written", "hang up at the totals"


@dataclass(kw_only=True)
class Files:
    """What lies in a folder where a connector lays files down."""

    folder: Path

    @property
    def names(self) -> list[str]:
        """The kinds of files that a reader would find, and any trace of their writing."""
        return sorted(one.name.partition(".")[2] for one in self.folder.iterdir())


class Folder(Files):
    """A folder of this machine."""

    @property
    def destination(self) -> Destination:
        return Destination(instance_id=CLINIC, url="folder:daily", secret="")

    @property
    def received(self) -> list[bytes]:
        files = sorted(self.folder.glob("*.csv"), key=lambda one: one.stat().st_mtime_ns)
        return [one.read_bytes() for one in files]


class LaysDown:
    """What all connectors that lay files down have in common."""

    lays_down = True

    def receipt_of(self, charges: Sequence[Charge]) -> str:
        """Give what the file is called: the other side never answers."""
        return batch_of(charges, reversing=False).name


class FolderDrop(LaysDown):
    """`batch`: nobody is there who could refuse, break off or be late."""

    system = "batch"
    acts = frozenset({ACCEPT})
    sends_again_after = ACCEPT

    @contextlib.asynccontextmanager
    async def open(self, outside: Outside, *script: str) -> AsyncIterator[Folder]:
        assert set(script) <= self.acts
        assert outside.folder is not None
        yield Folder(folder=outside.folder / str(CLINIC) / "daily")


class Door(asyncssh.SSHServer):
    """Lets the clinic in by its password."""

    def begin_auth(self, _username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@dataclass(kw_only=True)
class SftpSide(Files):
    """A server. It does what `script` says, once for each file of charges; after that it takes all."""

    script: list[str] = field(default_factory=list)
    host_key: asyncssh.SSHKey = field(default_factory=lambda: asyncssh.generate_private_key("ssh-ed25519"))
    port: int = 0
    connections: int = 0
    received: list[bytes] = field(default_factory=list)

    @property
    def destination(self) -> Destination:
        public = self.host_key.export_public_key().decode().strip()
        return Destination(
            url=f"sftp://127.0.0.1:{self.port}/inbound",
            secret=PASSWORD,
            settings={"user": USER, "host_keys": [public]},
        )

    @property
    def in_the_clear(self) -> Destination:
        return replace(self.destination, url=f"ftp://127.0.0.1:{self.port}/inbound")

    def serving(self, channel: asyncssh.SSHServerChannel[bytes]) -> asyncssh.SFTPServer:
        return Serving(self, channel)

    def acts_at(self, *acts: str) -> str | None:
        return self.script.pop(0) if self.script[:1] and self.script[0] in acts else None


class Serving(asyncssh.SFTPServer):
    """One session."""

    def __init__(self, side: SftpSide, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        super().__init__(channel, chroot=str(side.folder.parent).encode())
        self.side, self.line = side, channel

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if pflags & asyncssh.FXF_WRITE and self.side.acts_at(REFUSE):
            raise asyncssh.SFTPPermissionDenied("no")
        return super().open(path, pflags, attrs)

    def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        if self.side.acts_at(CUT_WRITING):
            self.hang_up()
        return super().write(file_obj, offset, data)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if newpath.endswith(b".csv"):
            self.side.received.append(self.content_of(oldpath))
            await self.act(self.side.acts_at(ACCEPT, FAIL, HANG, HANG_UP, LATE))
        elif self.side.acts_at(CUT_TOTALS):
            self.hang_up()
        super().posix_rename(oldpath, newpath)

    def content_of(self, path: bytes) -> bytes:
        return Path(self.map_path(path).decode()).read_bytes()

    async def act(self, act: str | None) -> None:
        if act == FAIL:
            raise asyncssh.SFTPFailure("no")
        if act == HANG_UP:
            self.hang_up()
        elif act:
            await asyncio.sleep({ACCEPT: 0, LATE: LATE_SECONDS, HANG: 60}[act])

    def hang_up(self) -> None:
        self.line.get_connection().abort()


@contextlib.asynccontextmanager
async def sftp_side(*script: str, **more: Any) -> AsyncIterator[SftpSide]:
    with tempfile.TemporaryDirectory() as root:
        side = SftpSide(folder=Path(root, "inbound"), script=list(script))
        side.folder.mkdir()

        def door() -> Door:
            side.connections += 1
            return Door()

        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=door,
            server_host_keys=[side.host_key],
            sftp_factory=side.serving,
            config=None,
            **more,
        )
        side.port = server.get_port()
        try:
            yield side
        finally:
            server.close()
            await server.wait_closed()


def a_login() -> dict[str, Any]:
    """What a connection has to be told, with the key of a server that nobody is."""
    key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
    return {"user": USER, "host_keys": [key]}


class SftpDrop(LaysDown):
    """`sftp`: it can be refused, cut and kept waiting, but gives no answer that could be another's."""

    system = "sftp"
    scheme = "sftp"
    secret = PASSWORD
    settings = a_login()
    keeps_line = False
    acts = frozenset({ACCEPT, FAIL, HANG_UP, HANG, LATE})
    sends_again_after = HANG_UP

    def open(self, outside: Outside, *script: str) -> contextlib.AbstractAsyncContextManager[SftpSide]:
        del outside
        assert set(script) <= self.acts
        return sftp_side(*script)


Drop = FolderDrop | SftpDrop
DROPS: Final[Mapping[str, Drop]] = {"batch": FolderDrop(), "sftp": SftpDrop()}
