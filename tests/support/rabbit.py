"""RabbitMQ, where it is installed: one node on loopback, with an Erlang name service of its own."""

import os
import random
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import amqp
from amqp.exceptions import AMQPError

from tests.support.servers import LOOPBACK, ServerMissingError, _Server, free_port

CONFIGURATION = """\
listeners.tcp.1 = {address}:{port}
log.console = true
log.console.level = warning
log.file = false
disk_free_limit.absolute = 50MB
"""


def is_installed() -> bool:
    return bool(_program_folders())


def _program_folders() -> list[Path]:
    # What Debian has on PATH runs as the system's own user, in the system's own folder.
    on_path = [Path(found).parent for found in [shutil.which("rabbitmq-server")] if found]
    folders = [Path("/usr/lib/rabbitmq/bin"), *on_path]
    return [one for one in folders if (one / "rabbitmq-server").exists() and shutil.which("epmd")]


def _find_program() -> Path:
    for folder in _program_folders():
        return folder / "rabbitmq-server"
    raise ServerMissingError("RabbitMQ is not installed; Debian and Ubuntu: apt-get install rabbitmq-server")


@dataclass(kw_only=True)
class RabbitServer(_Server):
    """Keeps durable queues and what waits in them over a restart."""

    program: Path = field(default_factory=_find_program)
    _names_port: int = field(default_factory=free_port, init=False)
    _nodes_port: int = field(default_factory=free_port, init=False)
    _names: subprocess.Popen[bytes] | None = field(default=None, init=False, repr=False)

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}//"

    def wipe(self) -> None:
        """Lose everything, queues included, as a node whose disk was replaced."""
        self.kill()
        shutil.rmtree(self._kept)
        self.start()

    def double(self, queue: str, chance: random.Random) -> None:
        """Have what waits in a queue there twice, in any order."""
        with self._connected(seconds=5) as connection:
            channel, waiting = connection.channel(), []
            while (message := channel.basic_get(queue)) is not None:
                waiting.append(message)
            for message in chance.sample([*waiting, *waiting], 2 * len(waiting)):
                channel.basic_publish(message, exchange="", routing_key=queue)
            channel.basic_ack(0, multiple=True)

    def _connected(self, *, seconds: float) -> amqp.Connection:
        return amqp.Connection(f"{LOOPBACK}:{self.port}", connect_timeout=seconds)

    @property
    def _kept(self) -> Path:
        return self.directory / "kept"

    def _spawn(self, log: int) -> subprocess.Popen[bytes]:
        # By itself the node would start one that outlives it.
        names = ["epmd", "-address", LOOPBACK, "-port", str(self._names_port)]
        self._names = subprocess.Popen(names, stdout=log, stderr=log, start_new_session=True)
        configuration = self.directory / "rabbitmq.conf"
        configuration.write_text(CONFIGURATION.format(address=LOOPBACK, port=self.port))
        environment = {
            "HOME": str(self.directory),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self._names_port),
            "RABBITMQ_CONFIG_FILE": str(configuration),
            "RABBITMQ_DIST_PORT": str(self._nodes_port),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "no_plugins"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_MNESIA_BASE": str(self._kept),
            "RABBITMQ_NODENAME": f"opencircle-{self.port}@localhost",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }
        return subprocess.Popen(
            [self.program],
            cwd=self.directory,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def _answers(self) -> bool:
        try:
            with self._connected(seconds=1):
                return True
        except (OSError, AMQPError):
            return False

    def _end(self, with_signal: signal.Signals) -> None:
        # Its program is a script that waits for the node.
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, with_signal)
        super()._end(with_signal)
        if self._names is not None:
            self._names.kill()
            self._names.wait()
            self._names = None

    def stop(self) -> None:
        self._end(signal.SIGTERM)
