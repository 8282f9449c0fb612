import pytest
from typer.testing import CliRunner

from services.billing_bridge.operator import cli

NOWHERE = ["--url", "http://127.0.0.1:9"]


@pytest.mark.rule("BILL-7")
@pytest.mark.parametrize("which", [[], ["--all", "--group", "0123456789abcdef"]])
def test_a_decision_is_about_one_charge_a_group_or_all(which: list[str]) -> None:
    result = CliRunner().invoke(cli, [*NOWHERE, "release", "--reason", "Why not.", *which])
    assert result.exit_code == 2
    assert "one of --charge, --group and" in result.output


def test_an_api_that_is_not_there_is_said_in_one_line() -> None:
    result = CliRunner().invoke(cli, [*NOWHERE, "worklist"])
    assert result.exit_code == 1
    assert "can't be reached at http://127.0.0.1:9" in result.output
