"""A backup that is made while sessions are signed, and each of the four databases restored from it."""

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.embedded.deployment import free_port, running
from deploy.embedded.folder import SERVICES, DataFolder, FolderInUseError
from deploy.operations.restoring import restore
from deploy.operations.snapshots import Backup, BackupDamagedError, back_up, opened
from tests.support.stage import Effects, Found, stage_in, urls_of

pytestmark = pytest.mark.timeout(240)
on_one_loop = pytest.mark.asyncio(loop_scope="module")

BEFORE, AFTER = 2, 3
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A deployment that was stopped after more was signed than its backup has."""

    data: Path
    backup: Backup
    book: Path

    def copy(self, to: Path) -> DataFolder:
        shutil.copytree(self.data, to)
        return DataFolder(root=to)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kept(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Kept]:
    folder = tmp_path_factory.mktemp("kept")
    async with stage_in(folder, settings={}) as stage:
        sessions = await stage.sessions(BEFORE + AFTER)
        for one in sessions[:BEFORE]:
            await stage.sign(one)
        # What is under way just now is owed in the copy.
        backup = back_up(stage.deployment.folder, folder / "backup", at=NOW, with_keys=False)
        for one in sessions[BEFORE:]:
            await stage.sign(one)
        assert (await stage.settled(len(sessions))).is_all_of(len(sessions))
        with pytest.raises(FolderInUseError):
            await restore(backup, stage.deployment.folder, at=NOW)
        stopped = Kept(data=stage.deployment.folder.root, backup=backup, book=stage.book)
    yield stopped


async def settled(kept: Kept, folder: DataFolder, *, sessions: int) -> Found:
    """Start what was restored, with nobody to take charges, and wait until nothing is owed."""
    effects = Effects(book=kept.book, urls=urls_of(folder, {}))
    async with running(folder.root, port=free_port(), report=lambda _part, _what: None):
        return await effects.settled(sessions, seconds=20)


@on_one_loop
@pytest.mark.parametrize("service", ["charts", "printing", "sessions"])
async def test_one_service_is_restored_older_and_ends_with_every_effect_once(
    kept: Kept, tmp_path: Path, service: str
) -> None:
    folder = kept.copy(tmp_path / "data")
    done = await restore(kept.backup, folder, services=[service], at=NOW)
    assert done.reconciled.lost == []
    assert len(done.reconciled.reimported) == (AFTER if service == "sessions" else 0)
    found = await settled(kept, folder, sessions=BEFORE + AFTER)
    assert found.is_all_of(BEFORE + AFTER), found


@on_one_loop
async def test_billing_that_is_restored_older_pushes_nothing_as_if_it_were_new(
    kept: Kept, tmp_path: Path
) -> None:
    folder = kept.copy(tmp_path / "data")
    done = await restore(kept.backup, folder, services=["billing_bridge"], at=NOW)
    effects = Effects(book=kept.book, urls=urls_of(folder, {}))
    found = await effects.found()
    assert (found.notes, found.charges, found.doubles, found.owed) == (10, 10, 0, 0)
    uncertain = "SELECT count(*) FROM charge_status WHERE status = 'unknown' AND uncertain"
    assert await effects.run("billing_bridge", uncertain) == [(done.reconciled.doubted,)]
    assert done.reconciled.doubted >= 2 * AFTER
    blind = "SELECT count(*) FROM charge_status WHERE status IN ('pending', 'sent')"
    assert await effects.run("billing_bridge", blind) == [(0,)]


@on_one_loop
async def test_all_of_it_is_restored_to_one_moment(kept: Kept, tmp_path: Path) -> None:
    folder = kept.copy(tmp_path / "data")
    done = await restore(kept.backup, folder, at=NOW)
    reconciled = done.reconciled
    assert (reconciled.lost, reconciled.reimported, dict(reconciled.unpublished)) == ([], [], {})
    found = await Effects(book=kept.book, urls=urls_of(folder, {})).found()
    assert (found.doubles, found.notes <= 2 * BEFORE) == (0, True)
    assert done.before is not None
    assert DataFolder(root=done.before).is_laid_out()


def test_a_backup_that_was_changed_is_refused(kept: Kept, tmp_path: Path) -> None:
    copy = tmp_path / "backup"
    shutil.copytree(kept.backup.folder, copy)
    assert json.loads((copy / "manifest.json").read_text())["files"].keys() >= {
        f"{one}.sqlite3" for one in SERVICES
    }
    assert not (copy / "connection.keys").exists()
    with (copy / "charts.sqlite3").open("r+b") as file:
        file.write(b"x")
    with pytest.raises(BackupDamagedError, match="charts"):
        opened(copy)
