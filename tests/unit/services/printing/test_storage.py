import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from services.printing.storage import (
    BadStorageKeyError,
    FileLostError,
    FolderStorage,
    S3Storage,
    Storage,
    StorageUnavailableError,
    storage_key,
)
from shared.clock import now_utc
from shared.identifiers import new_id
from shared.objects.bucket import Bucket
from shared.objects.signing import S3Keys
from shared.testing.records import CLINIC, OTHER_CLINIC
from tests.support.s3 import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, StandInBucket, stand_in_bucket

# Fixed, as it names tests: every pytest worker has to collect the same ones.
KEY = storage_key(CLINIC, UUID("01a20f76-6431-76f1-ae46-9a9c9a887ceb"), revision=0)


@pytest.fixture
def bucket() -> Iterator[StandInBucket]:
    with stand_in_bucket() as bucket:
        yield bucket


def in_bucket(bucket: StandInBucket, *, secret: str = SECRET_ACCESS_KEY, region: str = REGION) -> S3Storage:
    keys = S3Keys(access_key_id=ACCESS_KEY_ID, secret_access_key=SecretStr(secret), region=region)
    return S3Storage(Bucket(url=bucket.url, keys=keys), clock=now_utc)


@pytest.fixture
def folder(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "sheets")


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest) -> Storage:
    """Each implementation of the port: the tests that take it hold for all."""
    if request.param == "folder":
        folder: FolderStorage = request.getfixturevalue("folder")
        return folder
    return in_bucket(request.getfixturevalue("bucket"))


async def test_what_was_kept_is_read_again(storage: Storage) -> None:
    content = bytes(range(256)) * 1000
    await storage.keep(KEY, content)
    assert await storage.read(KEY) == content


async def test_keeping_again_replaces_the_file(storage: Storage) -> None:
    await storage.keep(KEY, b"first")
    await storage.keep(KEY, b"second")
    assert await storage.read(KEY) == b"second"


async def test_a_removed_file_is_lost_and_may_be_removed_again(storage: Storage) -> None:
    await storage.keep(KEY, b"%PDF")
    await storage.remove(KEY)
    await storage.remove(KEY)
    with pytest.raises(FileLostError):
        await storage.read(KEY)


async def test_a_file_of_before_revisions_were_named_is_read(storage: Storage) -> None:
    old = KEY.replace("-0.pdf", ".pdf")
    await storage.keep(old, b"%PDF")
    assert await storage.read(old) == b"%PDF"


async def test_each_instance_has_its_own_files(storage: Storage) -> None:
    job_id = new_id()
    await storage.keep(storage_key(CLINIC, job_id, revision=0), b"ours")
    with pytest.raises(FileLostError):
        await storage.read(storage_key(OTHER_CLINIC, job_id, revision=0))


@pytest.mark.parametrize(
    "key", ["../secret.pdf", "/etc/passwd", f"{CLINIC}/../x.pdf", f"{KEY}\n", f"{KEY}/..", KEY.upper(), ""]
)
async def test_a_key_that_leads_elsewhere_is_refused(storage: Storage, key: str) -> None:
    with pytest.raises(BadStorageKeyError):
        await storage.read(key)
    with pytest.raises(BadStorageKeyError):
        await storage.keep(key, b"x")


async def test_a_write_that_fails_leaves_the_old_file_and_nothing_partial(
    folder: FolderStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await folder.keep(KEY, b"first")
    monkeypatch.setattr("os.fsync", _full_disk)
    with pytest.raises(OSError, match="No space left"):
        await folder.keep(KEY, b"second")
    assert await folder.read(KEY) == b"first"
    assert len(list((folder.root / KEY).parent.iterdir())) == 1


def _full_disk(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


async def test_nobody_else_can_enter_the_folders_or_read_a_file(folder: FolderStorage) -> None:
    await folder.keep(KEY, b"%PDF")
    path = folder.root / KEY
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (folder.root, path.parent, path)]
    assert modes == [0o700, 0o700, 0o600]


async def test_what_a_killed_process_left_is_swept_and_nothing_else(folder: FolderStorage) -> None:
    await folder.keep(KEY, b"%PDF")
    left, under_way = ((folder.root / KEY).with_name(f"{name}.partial") for name in ("left", "under_way"))
    left.write_bytes(b"%P")
    under_way.write_bytes(b"%P")
    two_hours_ago = (now_utc() - timedelta(hours=2)).timestamp()
    os.utime(left, (two_hours_ago, two_hours_ago))
    os.utime(folder.root / KEY, (two_hours_ago, two_hours_ago))
    assert folder.sweep(now=now_utc()) == 1
    assert (left.exists(), under_way.exists(), await folder.read(KEY)) == (False, True, b"%PDF")


def test_a_folder_that_is_not_there_yet_has_nothing_to_sweep(folder: FolderStorage) -> None:
    assert folder.sweep(now=now_utc()) == 0


@pytest.mark.parametrize("wrong", [{"secret": "another"}, {"region": "us-east-1"}])
async def test_a_wrong_signature_keeps_nothing(bucket: StandInBucket, wrong: dict[str, str]) -> None:
    with pytest.raises(StorageUnavailableError, match="403"):
        await in_bucket(bucket, **wrong).keep(KEY, b"%PDF")
    assert (bucket.objects, bucket.refused) == ({}, 1)


async def test_a_bucket_that_is_down_is_no_lost_file(bucket: StandInBucket) -> None:
    bucket.unavailable = True
    with pytest.raises(OSError, match="503"):
        await in_bucket(bucket).read(KEY)


async def test_a_bucket_that_nobody_serves_is_told_without_its_address() -> None:
    with stand_in_bucket() as gone:
        storage = in_bucket(gone)
    with pytest.raises(StorageUnavailableError, match=r"^ConnectError$"):
        await storage.read(KEY)
