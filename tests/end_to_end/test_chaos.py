from pathlib import Path

import pytest

from tests.chaos.__main__ import new_folder
from tests.chaos.running import embedded, on_rabbit
from tests.support import rabbit


@pytest.mark.timeout(300)
async def test_a_short_seeded_run_of_faults_loses_and_doubles_nothing(tmp_path: Path) -> None:
    ended = await embedded(tmp_path, seed=7, sessions=8, faults=10, minutes_later=True)
    assert ended.is_whole, ended.rows()


@pytest.mark.postgres
@pytest.mark.timeout(300)
@pytest.mark.skipif(not rabbit.is_installed(), reason="RabbitMQ is not installed.")
async def test_nor_does_one_on_postgresql_and_rabbitmq() -> None:
    with new_folder() as folder:
        ended = await on_rabbit(folder, seed=7, sessions=8, faults=10)
    assert ended.is_whole, ended.rows()
