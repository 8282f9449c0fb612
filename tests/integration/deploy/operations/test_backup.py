import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from deploy.embedded.folder import DataFolder
from deploy.operations.commands import cli
from deploy.operations.where import Where, tables_of


def run(*words: object) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


async def opened_instances(folder: DataFolder) -> list[str]:
    """The instances whose data keys open by the keys of the folder."""
    data_key = tables_of("sessions").tables["data_key"]
    async with Where(folder=folder).databases("sessions") as databases:
        async with databases["sessions"].reading_for_all() as connection:
            instances = set((await connection.execute(select(data_key.c.instance_id))).scalars())
        return [str(one) for one in await databases["sessions"].fields_of(instances)]


def test_a_backup_with_its_keys_opens_in_a_new_place(deployment: DataFolder, tmp_path: Path) -> None:
    copy, new = tmp_path / "backup", DataFolder(root=tmp_path / "new")
    made = run("backup", copy, "--data-dir", deployment.root, "--with-keys", "--json")
    told = json.loads(made.stdout)
    assert json.loads(run("verify-backup", copy, "--json").stdout)["files"] == told["files"]
    restored = run("restore", copy, "--data-dir", new.root, "--json")
    assert (restored.exit_code, json.loads(restored.stdout)["lost"]) == (0, [])
    assert asyncio.run(opened_instances(new))


def test_what_is_sealed_is_not_restored_beside_a_key_that_does_not_open_it(
    deployment: DataFolder, tmp_path: Path
) -> None:
    copy, new = tmp_path / "backup", tmp_path / "new"
    assert "field.keys" in run("backup", copy, "--data-dir", deployment.root).stdout
    refused = run("restore", copy, "--data-dir", new)
    assert (refused.exit_code, "field.keys" in refused.stderr) == (1, True)
    assert not (new / "field.keys").exists()


def test_databases_of_one_moment_are_reconciled_without_a_finding(deployment: DataFolder) -> None:
    told = run("reconcile", "--data-dir", deployment.root, "--restored", "charts", "--json")
    assert json.loads(told.stdout)["lost"] == []


def test_a_login_may_try_again(deployment: DataFolder) -> None:
    told = run("unlock", "ada", "--data-dir", deployment.root, "--json")
    assert json.loads(told.stdout) == [{"unlocked": "ada"}]


def test_a_file_that_is_being_written_is_no_part_of_a_backup(deployment: DataFolder, tmp_path: Path) -> None:
    files = deployment.root / "files"
    (files / "whole.pdf").write_bytes(b"%PDF")
    (files / "begun.pdf.partial").write_bytes(b"%P")
    copy = tmp_path / "backup"
    run("backup", copy, "--data-dir", deployment.root)
    assert [one.name for one in (copy / "files").iterdir()] == ["whole.pdf"]


@pytest.mark.parametrize(
    ("service", "there"), [("charts", {"kept.pdf"}), ("printing", {"kept.pdf", "lost.pdf"})]
)
def test_files_are_restored_with_printing_and_none_that_is_there_is_touched(
    deployment: DataFolder, tmp_path: Path, service: str, there: set[str]
) -> None:
    files, copy = deployment.root / "files", tmp_path / "backup"
    for name in ("kept.pdf", "lost.pdf"):
        (files / name).write_bytes(b"as it was")
    run("backup", copy, "--data-dir", deployment.root)
    (files / "kept.pdf").write_bytes(b"of a newer revision")
    (files / "lost.pdf").unlink()
    restored = run("restore", copy, "--data-dir", deployment.root, "--service", service)
    assert restored.exit_code == 0, restored.output
    assert {one.name for one in files.iterdir()} == there
    assert (files / "kept.pdf").read_bytes() == b"of a newer revision"
