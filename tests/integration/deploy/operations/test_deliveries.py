import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner, Result

from deploy.embedded.folder import DataFolder
from deploy.embedded.prepare import prepare
from deploy.operations.deliveries import cli
from services.sessions.metadata import LEDGER, TRAIL
from shared.database.engine import create_engine


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A deployment that was prepared and never started: what it owes is parked."""
    folder = DataFolder(root=tmp_path / "data")
    folder.prepare()
    asyncio.run(prepare(folder.root, ["sessions", "charts", "billing_bridge", "printing"]))
    asyncio.run(park_everything(folder))
    return folder


async def park_everything(folder: DataFolder) -> None:
    engine = create_engine(f"sqlite+aiosqlite:///{folder.database('sessions')}")
    async with engine.begin() as connection:
        await connection.execute(update(LEDGER.delivery).values(state="parked", reason="KeyError at a.py:1"))
    await engine.dispose()


async def actions(folder: DataFolder) -> set[str]:
    engine = create_engine(f"sqlite+aiosqlite:///{folder.database('sessions')}")
    async with engine.connect() as connection:
        found = set((await connection.execute(select(TRAIL.c.action))).scalars())
    await engine.dispose()
    return found


def run(folder: DataFolder, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--data-dir", str(folder.root)])


def test_an_operator_lists_shows_skips_and_retries(folder: DataFolder) -> None:
    groups = json.loads(run(folder, "list", "--json").stdout)
    assert {one["consumer"] for one in groups} == {"charts", "billing_bridge", "printing"}
    charts = next(one for one in groups if one["consumer"] == "charts")
    skipped = run(folder, "skip", "--group", charts["id"], "--reason", "On paper.")
    assert skipped.stdout == f"{charts['deliveries']} skipped\n"
    shown = run(folder, "show", charts["examples"][0])
    assert "On paper." in shown.stdout
    parked = sum(one["deliveries"] for one in groups) - charts["deliveries"]
    assert run(folder, "retry", "--all").stdout == f"{parked} retried\n"
    assert asyncio.run(actions(folder)) >= {"delivery.skipped", "delivery.retried"}


def test_what_an_operator_can_mend_is_one_line(folder: DataFolder) -> None:
    refused = run(folder, "retry", "--group", "nothing")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "nothing to decide" in refused.stderr
