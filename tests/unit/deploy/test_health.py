import os
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.docker.health import alive, main, ready
from tests.support.servers import free_port


class Readiness(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/readyz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class Unready(Readiness):
    status = 500


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), request.param) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("port", "healthy"), [(Readiness, True), (Unready, False)], indirect=["port"])
def test_an_api_is_as_healthy_as_it_says(port: int, healthy: bool) -> None:
    assert ready(port) is healthy


def test_an_api_that_does_not_answer_is_not_healthy() -> None:
    assert not ready(free_port())


def test_a_file_just_touched_is_life(tmp_path: Path) -> None:
    (tmp_path / "alive").touch()
    assert alive(tmp_path / "alive", seconds_at_most=60)


def test_an_old_file_is_none(tmp_path: Path) -> None:
    (tmp_path / "alive").touch()
    os.utime(tmp_path / "alive", times=(time.time() - 61, time.time() - 61))
    assert not alive(tmp_path / "alive", seconds_at_most=60)


def test_a_loop_that_never_began_shows_no_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCIRCLE_ALIVE_FILE", str(tmp_path / "alive"))
    assert main(["alive", "60"]) == 1


def test_another_word_explains_the_two() -> None:
    with pytest.raises(SystemExit, match="ready"):
        main(["well"])
