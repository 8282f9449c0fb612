"""Restoring an embedded deployment: everything is made ready beside it, and takes its place in one step."""

import ctypes
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from deploy.embedded.errors import OperatorError
from deploy.embedded.folder import SERVICES, DataFolder, head_of
from deploy.operations.reconciling import Reconciled, reconcile
from deploy.operations.snapshots import KEYS, Backup
from deploy.operations.where import Where
from shared.database.engine import create_engine
from shared.database.migrations import upgrade

AT_FDCWD: Final = -100
RENAME_EXCHANGE: Final = 2
LEFT_BEHIND: Final = ("lock", "run", "broker", "logs")
"""What a restored deployment begins anew. The broker's messages are of a later hour; the ledger owes them."""


class BackupTooNewError(OperatorError):
    """This backup was made by a newer version of OpenCircle: restore it with that one."""


class FieldKeysMissingError(OperatorError):
    """What is sealed here opens by field.keys alone: put that file into the data folder first."""


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What became of it."""

    before: Path | None
    """Where the deployment is kept as it was."""
    reconciled: Reconciled


async def restore(
    backup: Backup, data: DataFolder, *, services: Collection[str] = SERVICES, at: datetime
) -> Restored:
    """Restore the databases of `services`, files with printing, reconcile, and put it in place.

    Raises `FolderInUseError` while the deployment runs, `BackupTooNewError` and `FieldKeysMissingError`.
    Until the last step nothing that is there is touched.
    """
    _require_known(backup)
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    ready = data.root.with_name(f"{data.root.name}.restoring-{stamp}")
    with data.locked():
        _make_ready(backup, data, ready, services)
        restored = DataFolder(root=ready)
        for service in services:
            engine = create_engine(f"sqlite+aiosqlite:///{restored.database(service).resolve()}")
            await upgrade(engine, service)
            await engine.dispose()
        reconciled = await reconcile(Where(folder=restored), restored=services, at=at)
        before = data.root.with_name(f"{data.root.name}.before-{stamp}")
        exchange(ready, data.root)
        ready.rename(before)
    return Restored(before=before, reconciled=reconciled)


def _require_known(backup: Backup) -> None:
    newer = [one for one, number in backup.manifest["revisions"].items() if (number or "") > head_of(one)]
    if newer:
        raise BackupTooNewError(", ".join(newer))


def _make_ready(backup: Backup, data: DataFolder, ready: Path, services: Collection[str]) -> None:
    shutil.rmtree(ready, ignore_errors=True)
    # With the write-ahead logs that belong to the databases that stay.
    shutil.copytree(data.root, ready, ignore=_left_behind(data.root))
    for service in services:
        file = DataFolder(root=ready).database(service)
        for stale in (file, *(file.with_name(f"{file.name}{end}") for end in ("-wal", "-shm"))):
            stale.unlink(missing_ok=True)
        shutil.copy2(backup.folder / file.name, file)
    if "printing" in services:
        shutil.copytree(
            backup.folder / "files", ready / "files", dirs_exist_ok=True, copy_function=_copy_missing
        )
    for name in KEYS:
        # A folder's own keys stay: what is beside the backup may be older ones.
        if not (ready / name).exists() and (backup.folder / name).exists():
            shutil.copy2(backup.folder / name, ready / name)
    _require_field_keys(DataFolder(root=ready), services)
    DataFolder(root=ready).prepare()


def _copy_missing(source: str, target: str) -> None:
    # Printing holds each file to the hash that its database names, and makes another one again.
    if not Path(target).exists():
        shutil.copy2(source, target)


def _require_field_keys(ready: DataFolder, services: Collection[str]) -> None:
    # A new key would be made, by which nothing that is there opens.
    if not (ready.root / "field.keys").exists() and any(_is_sealed(ready.database(one)) for one in services):
        raise FieldKeysMissingError


def _is_sealed(database: Path) -> bool:
    with closing(sqlite3.connect(database)) as connection, suppress(sqlite3.OperationalError):
        return connection.execute("SELECT 1 FROM data_key").fetchone() is not None
    return False


def _left_behind(root: Path) -> Callable[[str, list[str]], list[str]]:
    return lambda folder, names: [one for one in names if Path(folder) == root and one in LEFT_BEHIND]


def exchange(one: Path, other: Path) -> None:
    """Have two folders change places in one step where the system can, else in three."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        with suppress(AttributeError):
            if libc.renameat2(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
                return
    aside = other.with_name(f"{other.name}.aside")
    other.rename(aside)
    one.rename(other)
    aside.rename(one)
