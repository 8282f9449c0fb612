"""A backup of an embedded deployment while it serves: all four databases as they were at one moment.

For a few milliseconds nobody writes: all four write locks are held while a reader begins in each. What these
readers see is one moment of the whole system, however long they then copy. So no order of copying has to be
right: a message that was under way at that moment is rung for again, because the ledger of the same moment
owes it. The broker is not copied; it may be lost at any time.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from deploy.embedded.errors import OperatorError
from deploy.embedded.folder import SERVICES, DataFolder, revision_of
from services.printing.storage.folder import PARTIAL

FORMAT: Final = 1
BUSY_SECONDS: Final = 20.0
MANIFEST: Final = "manifest.json"
KEYS: Final = ("field.keys", "message.keys", "connection.keys", "issuer.pem", "anchor.pem")


class FolderTakenError(OperatorError):
    """There is something in this folder already: a backup is made in a new one."""


class BackupDamagedError(OperatorError):
    """A file of this backup is missing, or is not the one that was written."""


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A finished backup."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def made_at(self) -> datetime:
        """The moment that all of it shows."""
        return datetime.fromisoformat(self.manifest["made_at"])


def back_up(data: DataFolder, to: Path, *, at: datetime, with_keys: bool) -> Backup:
    """Copy databases and files into the new folder `to`; raises `FolderTakenError`.

    Keys are health data's locks, so they are left out unless they are asked for.
    """
    if to.exists():
        raise FolderTakenError(to)
    partial = to.with_name(f"{to.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    copy_at_one_moment({data.database(one): partial / data.database(one).name for one in SERVICES})
    # After the databases: a file is kept before its job says so. One that a newer revision replaces
    # meanwhile is made again when it is asked for after a restore.
    shutil.copytree(
        data.root / "files",
        partial / "files",
        ignore=shutil.ignore_patterns(f"*{PARTIAL}"),
        copy_function=_copy_if_there,
    )
    for name in KEYS if with_keys else ():
        shutil.copy2(data.root / name, partial / name)
    manifest = {
        "format": FORMAT,
        "made_at": at.isoformat(),
        "revisions": {one: revision_of(partial / data.database(one).name) for one in SERVICES},
        "keys": with_keys,
        "files": {name: _hash(partial / name) for name in sorted(_names(partial))},
    }
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=1))
    _sync(partial)
    partial.rename(to)
    return Backup(folder=to, manifest=manifest)


def _copy_if_there(source: str, target: str) -> None:
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)


def copy_at_one_moment(copies: Mapping[Path, Path]) -> None:
    """Copy SQLite databases that others write to, all as they are at one moment."""
    with ExitStack() as readers:
        with ExitStack() as writers:
            for file in copies:
                # Nobody of ours holds two of these locks, so waiting for them in turn can't become a ring.
                writers.enter_context(_opened(file)).execute("BEGIN IMMEDIATE")
            reading = {file: readers.enter_context(_opened(file)) for file in copies}
            for reader in reading.values():
                reader.execute("BEGIN")
                reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
        for file, copy in copies.items():
            with closing(sqlite3.connect(copy)) as written:
                reading[file].backup(written)
            copy.chmod(0o600)


def _opened(file: Path) -> closing[Any]:
    return closing(
        sqlite3.connect(f"file:{file}?mode=rw", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    )


def opened(folder: Path) -> Backup:
    """Read a backup and hold every file to its hash; raises `BackupDamagedError`."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        for name, told in manifest["files"].items():
            if _hash(folder / name) != told:
                raise BackupDamagedError(name)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupDamagedError(folder, type(error).__name__) from None
    return Backup(folder=folder, manifest=manifest)


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _hash(file: Path) -> dict[str, Any]:
    with file.open("rb") as content:
        return {"sha256": hashlib.file_digest(content, "sha256").hexdigest(), "bytes": file.stat().st_size}


def _sync(folder: Path) -> None:
    """Have everything on the disk before the backup is called one."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
