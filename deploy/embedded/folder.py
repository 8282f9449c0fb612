"""The data folder of one embedded deployment: databases, keys, files, logs, and its lock."""

import fcntl
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.embedded.errors import OperatorError
from deploy.embedded.private_files import write_private
from services.sessions.directory.issuer import new_signing_key, open_issuer
from shared.messaging.sealing import new_key_ring

DEFAULT_FOLDER: Final = Path("var/opencircle")
SERVICES: Final = ("sessions", "charts", "billing_bridge", "printing")
AUDIENCE: Final = "opencircle"
RING_AGAIN_AFTER_SECONDS: Final = (2, 5, 15, 60, 300)
MIGRATIONS: Final = Path(__file__).resolve().parents[2] / "services"


class FolderInUseError(OperatorError):
    """Another OpenCircle runs on this data folder: stop it first, or choose another --data-dir."""


class KeysMissingError(OperatorError):
    """This file of keys is gone: put it back, for what it sealed opens by it alone."""


class FolderUnusableError(OperatorError):
    """This folder can't be made or written to."""


@dataclass(frozen=True, kw_only=True)
class Serving:
    """Where a running deployment is reached."""

    port: int
    """Of the API, on 127.0.0.1."""
    sockets: Path
    """The folder of its broker's socket, its bells and its parts' signs of life."""


@dataclass(frozen=True, kw_only=True)
class DataFolder:
    """Where everything of one deployment is; all of it health data, so readable by its owner alone."""

    root: Path

    @property
    def logs(self) -> Path:
        """One log a part, JSON lines."""
        return self.root / "logs"

    @property
    def broker(self) -> Path:
        """The broker's append-only file."""
        return self.root / "broker"

    @property
    def pids(self) -> Path:
        """The process id of each part that runs."""
        return self.root / "run"

    @property
    def issuer_key(self) -> Path:
        """The private key of the built-in issuer."""
        return self.root / "issuer.pem"

    @property
    def anchor_key(self) -> Path:
        """The private key that signs the heads of the audit trails."""
        return self.root / "anchor.pem"

    @property
    def token_keys(self) -> Path:
        """The public keys of the built-in issuer."""
        return self.root / "jwks.json"

    def database(self, service: str) -> Path:
        """The SQLite file of one service."""
        return self.root / f"{service}.sqlite3"

    def prepare(self) -> None:
        """Make what is missing: folders and keys. What is there stays."""
        for folder in (self.root, self.logs, self.broker, self.pids, self.root / "files"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not self.issuer_key.exists():
            new_signing_key(self.issuer_key)
        if not self.anchor_key.exists():
            new_signing_key(self.anchor_key)
        # Of its name, which is the address that it will serve at, the keys say nothing.
        issuer = open_issuer(self.issuer_key, name="", audience=AUDIENCE)
        self.token_keys.write_text(json.dumps(issuer.public_keys()))
        for name in ("message.keys", "field.keys", "connection.keys"):
            if not (self.root / name).exists():
                write_private(self.root / name, new_key_ring())

    def is_laid_out(self) -> bool:
        """Tell whether a deployment has been started here at least once."""
        return all(self.database(service).exists() for service in SERVICES)

    @contextmanager
    def announced(self, *, sockets: Path, port: int) -> Iterator[None]:
        """Let programs beside the deployment know, during the block, where it serves."""
        file = self.pids / "serving.json"
        # Renamed into place: whoever reads it finds all of it, or no file.
        written = self.pids / "serving.new"
        written.write_text(json.dumps({"pid": os.getpid(), "port": port, "sockets": str(sockets)}))
        written.replace(file)
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    def serving(self) -> Serving | None:
        """Tell where the deployment serves; None while it does not."""
        try:
            told = json.loads((self.pids / "serving.json").read_text())
        except FileNotFoundError:
            return None
        # A supervisor that was killed has left the file behind.
        if not Path(f"/proc/{told['pid']}").exists():
            return None
        return Serving(port=told["port"], sockets=Path(told["sockets"]))

    def told(self) -> dict[str, str]:
        """Give the settings of all parts as they are now; while stopped, nobody listens where they point."""
        at = self.serving() or Serving(port=1, sockets=self.pids)
        return self.environment(sockets=at.sockets, port=at.port)

    def environment(self, *, sockets: Path, port: int) -> dict[str, str]:
        """Give the settings of all parts."""
        # The gateway: all APIs are behind one port here.
        gateway = f"http://127.0.0.1:{port}"
        urls = {service: f"sqlite+aiosqlite:///{self.database(service).resolve()}" for service in SERVICES}
        return self._anchors() | {
            "OPENCIRCLE_ENVIRONMENT": "embedded",
            "OPENCIRCLE_BROKER_URL": f"redis+socket://{sockets / 'broker.sock'}?virtual_host=0",
            "OPENCIRCLE_MESSAGE_KEYS": self._keys("message.keys"),
            "OPENCIRCLE_FIELD_KEYS": self._keys("field.keys"),
            "OPENCIRCLE_ISSUER": gateway,
            "OPENCIRCLE_AUDIENCE": AUDIENCE,
            "OPENCIRCLE_TOKEN_KEYS": str(self.token_keys.resolve()),
            "OPENCIRCLE_BELLS_FOLDER": str(sockets),
            "OPENCIRCLE_RING_AGAIN_AFTER_SECONDS": json.dumps(RING_AGAIN_AFTER_SECONDS),
            "OPENCIRCLE_HTTP_HOST": "127.0.0.1",
            "OPENCIRCLE_HTTP_PORT": str(port),
            "OPENCIRCLE_SESSIONS_DATABASE_URL": urls["sessions"],
            "OPENCIRCLE_SESSIONS_BILLING_URL": gateway,
            "OPENCIRCLE_SESSIONS_ISSUER_KEY": str(self.issuer_key.resolve()),
            "OPENCIRCLE_CHARTS_DATABASE_URL": urls["charts"],
            "OPENCIRCLE_BILLING_DATABASE_URL": urls["billing_bridge"],
            "OPENCIRCLE_BILLING_CHARTS_URL": gateway,
            "OPENCIRCLE_BILLING_CONNECTION_KEYS": self._keys("connection.keys"),
            "OPENCIRCLE_PRINTING_DATABASE_URL": urls["printing"],
            "OPENCIRCLE_PRINTING_STORAGE_FOLDER": str((self.root / "files").resolve()),
            "OPENCIRCLE_PRINTING_SESSION_LINK": f"{gateway}/v1/group-sessions/{{session_id}}",
        }

    def _keys(self, name: str) -> str:
        try:
            return (self.root / name).read_text()
        except FileNotFoundError:
            raise KeysMissingError(self.root / name) from None

    def _anchors(self) -> dict[str, str]:
        if not self.anchor_key.exists():  # not started since it was an older version's
            return {}
        file = self.root / "anchors.jsonl"
        return {
            "OPENCIRCLE_ANCHOR_KEY": self.anchor_key.read_text(),
            "OPENCIRCLE_ANCHOR_FILE": str(file.resolve()),
        }

    def outdated_services(self) -> list[str]:
        """Name the services whose database is not at the head of its migrations, without importing them."""
        return [service for service in SERVICES if revision_of(self.database(service)) != head_of(service)]

    def is_founded(self) -> bool:
        """Tell whether there is an instance; only to be asked when the databases are at their head."""
        with closing(sqlite3.connect(self.database("sessions"))) as connection:
            return connection.execute("SELECT 1 FROM instance").fetchone() is not None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder alone; raises `FolderInUseError`. The system frees it even after a crash."""
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (self.root / "lock").open("a+")
        except OSError as error:
            raise FolderUnusableError(self.root, error.strerror) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise FolderInUseError from None
            yield


@contextmanager
def socket_folder() -> Iterator[Path]:
    """Make a folder with a short path: a socket's may have 107 characters, a data folder's has more."""
    with tempfile.TemporaryDirectory(prefix="opencircle-") as folder:
        yield Path(folder)


def head_of(service: str) -> str:
    """Name the newest migration of a service."""
    versions = (MIGRATIONS / service / "migrations" / "versions").glob("[0-9]*.py")
    return max(path.name.partition("_")[0] for path in versions)


def revision_of(database: Path) -> str | None:
    """Name the newest migration that a database has; None for one that has none."""
    if not database.exists():
        return None
    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.OperationalError):
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(row[0]) if row else None
    return None
