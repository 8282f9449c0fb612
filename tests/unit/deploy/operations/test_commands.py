import re
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from deploy.operations.commands import COMMANDS, cli

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert re.search(rf"Usage:.*{name}", result.output)


def test_the_list_is_the_table() -> None:
    output = CliRunner().invoke(cli, ["--help"]).output
    assert [name for name in COMMANDS if f" {name} " not in output] == []


def test_what_is_no_command_is_wrong_use() -> None:
    assert CliRunner().invoke(cli, ["dance"]).exit_code == 2


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in {"up", "charges"}])
def test_every_result_can_be_had_as_json(name: str) -> None:
    command = get_command(cli).get_command(None, name)  # type: ignore[attr-defined]
    commands = getattr(command, "commands", {name: command})
    told = {one: [option for it in commands[one].params for option in it.opts] for one in commands}
    # `new` prints a secret's text, and nothing else.
    assert [one for one, options in told.items() if "--json" not in options and one != "new"] == []


def test_it_runs_from_any_folder(tmp_path: Path) -> None:
    told = subprocess.run([ROOT / "opencircle", "--help"], cwd=tmp_path, capture_output=True, check=True)
    assert b"Usage: opencircle" in told.stdout
