from pathlib import Path

import pytest

from tests.chaos.running import embedded


@pytest.mark.timeout(300)
async def test_a_short_seeded_run_of_faults_loses_and_doubles_nothing(tmp_path: Path) -> None:
    ended = await embedded(tmp_path, seed=7, sessions=8, faults=10, minutes_later=True)
    assert ended.is_whole, ended.rows()
