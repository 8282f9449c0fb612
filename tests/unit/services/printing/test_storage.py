import stat
from pathlib import Path
from uuid import UUID

import pytest

from services.printing.storage import BadStorageKeyError, FileLostError, FolderStorage, storage_key
from shared.identifiers import new_id
from shared.testing.records import CLINIC, OTHER_CLINIC

# Fixed, as it names tests: every pytest worker has to collect the same ones.
KEY = storage_key(CLINIC, UUID("01a20f76-6431-76f1-ae46-9a9c9a887ceb"))


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "sheets")


async def test_what_was_kept_is_read_again(storage: FolderStorage) -> None:
    await storage.keep(KEY, b"%PDF")
    assert await storage.read(KEY) == b"%PDF"


async def test_keeping_again_replaces_the_file_and_leaves_no_other(storage: FolderStorage) -> None:
    await storage.keep(KEY, b"first")
    await storage.keep(KEY, b"second")
    assert await storage.read(KEY) == b"second"
    assert [path.name for path in (storage.root / KEY).parent.iterdir()] == [KEY.split("/")[1]]


async def test_a_write_that_fails_leaves_the_old_file_and_nothing_partial(
    storage: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await storage.keep(KEY, b"first")
    monkeypatch.setattr("os.fsync", _full_disk)
    with pytest.raises(OSError, match="No space left"):
        await storage.keep(KEY, b"second")
    assert await storage.read(KEY) == b"first"
    assert len(list((storage.root / KEY).parent.iterdir())) == 1


def _full_disk(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


async def test_nobody_else_can_enter_the_folders_or_read_a_file(storage: FolderStorage) -> None:
    await storage.keep(KEY, b"%PDF")
    path = storage.root / KEY
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (storage.root, path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]


async def test_each_instance_has_its_own_folder(storage: FolderStorage) -> None:
    job_id = new_id()
    await storage.keep(storage_key(CLINIC, job_id), b"ours")
    with pytest.raises(FileLostError):
        await storage.read(storage_key(OTHER_CLINIC, job_id))


@pytest.mark.parametrize(
    "key", ["../secret.pdf", "/etc/passwd", f"{CLINIC}/../x.pdf", f"{KEY}\n", f"{KEY}/..", KEY.upper(), ""]
)
async def test_a_key_that_leads_elsewhere_is_refused(storage: FolderStorage, key: str) -> None:
    with pytest.raises(BadStorageKeyError):
        await storage.read(key)
    with pytest.raises(BadStorageKeyError):
        await storage.keep(key, b"x")
