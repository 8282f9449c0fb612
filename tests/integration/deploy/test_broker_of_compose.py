import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.compose.new_secrets import new_secrets
from shared.messaging.broker import Broker, Outgoing
from shared.messaging.celery_application import new_celery_application
from shared.messaging.messages import DELIVER_TASK
from tests.support.servers import find_valkey_program, free_port

CONFIGURATION = Path(__file__).resolve().parents[3] / "deploy/compose/valkey.conf"
START_SECONDS = 10.0


@pytest.fixture(scope="module")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Valkey as compose starts it, but for its folders, and the URL that the services are given."""
    folder, texts, port = tmp_path_factory.mktemp("broker"), new_secrets(), free_port()
    (folder / "valkey_users").write_text(texts["valkey_users"])
    here = (
        CONFIGURATION.read_text().replace("/run/secrets", str(folder)).replace("dir /data", f"dir {folder}")
    )
    (folder / "valkey.conf").write_text(here)
    command: list[str | Path] = [
        find_valkey_program(),
        folder / "valkey.conf",
        "--bind",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        _wait_until_it_answers(port)
        yield texts["opencircle_broker_url"].replace("valkey:6379", f"127.0.0.1:{port}")
        server.terminate()


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    with redis.Redis(port=port) as client:
        while time.monotonic() < deadline:
            try:
                client.ping()
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return
    pytest.fail("Valkey did not start with deploy/compose/valkey.conf")


def test_a_relay_can_ring(broker_url: str) -> None:
    broker = Broker(application=new_celery_application(name="test", broker_url=broker_url))
    broker.send([Outgoing(queue="charts", task=DELIVER_TASK, sealed="sealed")])
    with redis.Redis.from_url(broker_url) as client:
        assert client.llen("charts") == 1
    broker.application.close()


def test_without_a_login_one_may_ping_and_nothing_else(broker_url: str) -> None:
    port = int(broker_url.rpartition(":")[2].partition("/")[0])
    with redis.Redis(port=port) as client:
        assert client.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.llen("charts")


@pytest.mark.parametrize("command", ["FLUSHALL", "KEYS *", "CONFIG GET *"])
def test_no_service_can_empty_or_search_the_broker(broker_url: str, command: str) -> None:
    with redis.Redis.from_url(broker_url) as client, pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command.split())
