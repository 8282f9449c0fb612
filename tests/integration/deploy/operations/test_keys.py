import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.embedded.folder import DataFolder
from deploy.operations.data_keys import cli as data_keys
from deploy.operations.keys import cli
from shared.messaging.sealing import KeyRing


def keys(folder: DataFolder, *arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(cli, [*arguments, "--data-dir", str(folder.root)])
    assert result.exit_code == (1 if fails else 0), result.output
    return result.output


def listed(folder: DataFolder) -> dict[str, list[str]]:
    rows = json.loads(keys(folder, "list", "--json"))
    return {
        ring: [row["id"] for row in rows if row["ring"] == ring]
        for ring in ("message", "connection", "field")
    }


def test_a_new_key_seals_and_the_old_one_still_opens(deployment: DataFolder) -> None:
    file = deployment.root / "message.keys"
    sealed = KeyRing.parse(file.read_text()).seal("a ring", purpose="test")
    keys(deployment, "add", "message")
    ring = KeyRing.parse(file.read_text())
    assert listed(deployment) == {"message": ["k2", "k1"], "connection": ["k1"], "field": ["k1"]}
    assert ring.unseal(sealed, purpose="test") == "a ring"
    assert file.stat().st_mode & 0o077 == 0


def test_no_key_is_shown(deployment: DataFolder) -> None:
    secret = (deployment.root / "message.keys").read_text().partition(":")[2]
    assert secret not in keys(deployment, "list") + keys(deployment, "add", "message")


def test_an_old_key_is_taken_out_and_the_sealing_one_never(deployment: DataFolder) -> None:
    keys(deployment, "add", "message")
    assert "which seals" in keys(deployment, "remove", "message", "k2", fails=True)
    keys(deployment, "remove", "message", "k1")
    assert listed(deployment)["message"] == ["k2"]


@pytest.mark.parametrize("key_id", ["k1", "k2"])
def test_a_key_of_billing_stays_while_a_connection_needs_it(deployment: DataFolder, key_id: str) -> None:
    keys(deployment, "add", "connection")
    with sqlite3.connect(deployment.database("billing_bridge")) as database:
        database.execute(
            "INSERT INTO connection (instance_id, system, url, sealed_secret, deduplicates, active,"
            " destination_id, changed_at, changed_by) VALUES ('a', 'webhook', '', ?, 1, 1, 'b', '', 'c')",
            [f"{key_id}.sealed"],
        )
    keys(deployment, "remove", "connection", "k1", fails=key_id == "k1")


def test_a_master_key_stays_while_it_wraps_data_keys(deployment: DataFolder) -> None:
    assert "data-keys rewrap" in keys(deployment, "add", "field")
    assert "still wrapped" in keys(deployment, "remove", "field", "k1", fails=True)
    assert CliRunner().invoke(data_keys, ["rewrap", "--data-dir", str(deployment.root)]).exit_code == 0
    keys(deployment, "remove", "field", "k1")
    assert listed(deployment)["field"] == ["k2"]


def test_a_new_key_for_another_place_is_a_ring() -> None:
    printed = CliRunner().invoke(cli, ["new", "k7"]).output
    assert [*KeyRing.parse(printed.strip()).keys] == ["k7"]


def test_a_place_without_a_deployment_is_said_in_one_line(tmp_path: Path) -> None:
    assert keys(DataFolder(root=tmp_path), "list", fails=True).startswith(
        "opencircle: There is no deployment"
    )
