"""The command line that proves audit trails, on the folder of an embedded deployment."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from deploy.embedded.folder import SERVICES, DataFolder
from deploy.operations.audit import cli
from deploy.operations.where import Where
from services.charts.models import audit_entry
from shared.clock import now_utc
from shared.database.audit import record_access
from shared.identifiers import new_id
from shared.testing.records import CLINIC
from tests.support.databases import copied

pytestmark = pytest.mark.rule("PERM-8")


@pytest_asyncio.fixture
async def folder(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A deployment that is stopped, with three entries in the trail of charts."""
    folder = DataFolder(root=tmp_path / "data")
    folder.prepare()
    for service in SERVICES:
        await copied(tmp_path_factory.getbasetemp(), service, folder.database(service))
    async with Where(folder=folder).databases("charts") as databases:
        for _ in range(3):
            async with databases["charts"].writing(CLINIC) as db:
                await record_access(
                    db, audit_entry, at=now_utc(), user_id=new_id(), action="read", subject=new_id()
                )
    return folder


def run(folder: DataFolder, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--data-dir", str(folder.root)])


def cut_off(folder: DataFolder) -> None:
    """Take out the last entry and its link, as who owns the file can."""
    with closing(sqlite3.connect(folder.database("charts"))) as connection:
        for table in ("audit_entry", "audit_link"):
            connection.execute(f"DROP TRIGGER {table}_refuses_delete")
        last = "SELECT entry_id FROM audit_link WHERE sequence = 3"
        connection.execute(f"DELETE FROM audit_entry WHERE id = ({last})")  # noqa: S608 - a text of ours
        connection.execute("DELETE FROM audit_link WHERE sequence = 3")
        connection.commit()


def test_trails_that_hold_end_with_0(folder: DataFolder) -> None:
    assert run(folder, "anchor").output == "1 heads anchored\n"
    proved = run(folder, "verify", "--from-anchor", str(folder.root / "anchors.jsonl"))
    assert (proved.exit_code, "holds: 3 entries of 1 instances" in proved.output) == (0, True)


def test_an_end_that_was_cut_off_ends_with_1_and_is_named(folder: DataFolder) -> None:
    run(folder, "anchor")
    cut_off(folder)
    proved = run(folder, "verify", "--json", "--from-anchor", str(folder.root / "anchors.jsonl"))
    finding = json.loads(proved.output)["charts"]["finding"]
    assert proved.exit_code == 1
    assert (finding["fault"], finding["instance_id"], finding["sequence"]) == ("cut off", str(CLINIC), 3)


def test_an_anchor_that_was_changed_is_named(folder: DataFolder) -> None:
    run(folder, "anchor")
    anchors = folder.root / "anchors.jsonl"
    anchors.write_text(anchors.read_text().replace('"sequence":3', '"sequence":2'))
    proved = run(folder, "verify", "--from-anchor", str(anchors))
    assert (proved.exit_code, proved.output) == (
        1,
        "opencircle: line 1 of the anchors is not what was signed\n",
    )
