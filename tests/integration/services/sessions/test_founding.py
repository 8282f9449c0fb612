import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.sessions.found_instance import command
from shared.database.engine import create_engine
from shared.database.migrations import upgrade


@pytest.fixture
async def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    url = f"sqlite+aiosqlite:///{tmp_path}/sessions.sqlite3"
    engine = create_engine(url)
    await upgrade(engine, "sessions")
    await engine.dispose()
    monkeypatch.setenv("OPENCIRCLE_SESSIONS_DATABASE_URL", url)
    return tmp_path / "sessions.sqlite3"


def found(*arguments: str, password: str = "") -> Result:
    return CliRunner().invoke(command, ["--name", "Harbor Clinic", *arguments], input=password)


def count(file: Path, table: str) -> int:
    with closing(sqlite3.connect(file)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - a name of ours


def test_it_prints_what_the_tokens_have_to_carry(file: Path) -> None:
    printed = [line.split()[0] for line in found().stdout.splitlines()]
    assert printed == ["instance", "sub"]


def test_without_a_login_there_is_no_account(file: Path) -> None:
    assert found().exit_code == 0
    assert count(file, "account") == 0


def test_a_password_is_read_from_standard_input(file: Path) -> None:
    assert found("--login", "admin", password="correct horse battery\n").exit_code == 0
    assert count(file, "account") == 1


def test_a_short_password_founds_nothing(file: Path) -> None:
    assert found("--login", "admin", password="hunter2\n").exit_code == 2
    assert count(file, "instance") == 0
