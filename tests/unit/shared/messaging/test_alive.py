from pathlib import Path

from shared.messaging.alive import sign_of_life


def test_each_turn_of_a_loop_touches_the_file(tmp_path: Path) -> None:
    sign_of_life(tmp_path / "alive")()
    assert (tmp_path / "alive").exists()


def test_without_a_file_a_turn_shows_nothing() -> None:
    sign_of_life(None)()
