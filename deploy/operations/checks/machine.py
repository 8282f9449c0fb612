"""The machine: disk, modes of files, backups, and signs of life."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from deploy.embedded.folder import DataFolder, Serving
from deploy.embedded.parts import parts_of
from deploy.operations.checks.findings import Finding, broken, not_looked_at, warning
from deploy.operations.where import Where
from services.printing.settings import PrintingSettings

FREE_AT_LEAST: Final = 0.10
FREE_TO_WORK: Final = 0.03
ALIVE_SECONDS_AT_MOST: Final = 60.0
"""As the health check of a container has it."""
BACKUP_HOURS_AT_MOST: Final = 26.0
"""A daily one, and two hours for it to take longer."""
OTHERS: Final = 0o077


def look_at_disk(where: Where) -> Finding:
    """Measure what is free where databases or sheets are kept."""
    kept = where.folder.root if where.folder else _sheets(where)
    if kept is None:
        return not_looked_at("disk", "no folder of the deployment is here; see to the database's own disk")
    usage = shutil.disk_usage(kept)
    free = usage.free / usage.total
    says = f"{free:.0%} free at {kept}"
    mend = "Make room, or enlarge the volume: a database that can't write accepts no signature."
    if free < FREE_TO_WORK:
        return broken("disk", says, mend)
    return warning("disk", says, mend) if free < FREE_AT_LEAST else Finding(check="disk", says=says)


def _sheets(where: Where) -> Path | None:
    if "printing" not in where.services:
        return None
    folder = where.read(PrintingSettings).storage_folder
    return folder if folder and folder.exists() else None


def look_at_modes(where: Where) -> Finding:
    """Find files of a data folder that others may read."""
    if where.folder is None:
        return not_looked_at("modes", "no data folder; secrets are files that only their processes may read")
    root = where.folder.root
    open_ = [path for path in (root, *root.rglob("*")) if path.exists() and path.stat().st_mode & OTHERS]
    if not open_:
        return Finding(check="modes", says="nobody else may read the data folder")
    more = f", and {len(open_) - 1} more" if len(open_) > 1 else ""
    says = f"others can read {open_[0].relative_to(root.parent)}{more}"
    return broken("modes", says, f"`chmod -R go-rwx {root}`: it holds health data and keys.")


def look_at_backups(folder: Path | None) -> Finding:
    """Look how old the newest backup is."""
    if folder is None:
        mend = "Give --backups FOLDER to have their age looked at."
        return not_looked_at("backups", "nobody said where backups are", mend)
    files = [path.stat().st_mtime for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
    if not files:
        mend = "Make one (docs/operations.md, Backup), and have it made every day."
        return broken("backups", f"there is no backup in {folder}", mend)
    hours = (time.time() - max(files)) / 3600
    says = f"the newest is {hours:.0f} hours old"
    if hours > BACKUP_HOURS_AT_MOST:
        return broken("backups", says, "See why the daily backup did not run, and make one now.")
    return Finding(check="backups", says=says)


def look_at_life(where: Where) -> Iterator[Finding]:
    """Look how long ago each loop of an embedded deployment turned."""
    if where.folder is None:
        mend = "See `docker compose ps`, or the pods: their probes look at it."
        yield not_looked_at("life", "each container has its own sign of life", mend)
        return
    serving = where.folder.serving()
    if serving is None:
        yield broken("life", "the deployment does not run", "Start it: `./opencircle up`.")
        return
    for part in parts_of(data=where.folder.broker, sockets=serving.sockets, port=serving.port):
        if part.module:
            yield _life(where.folder, serving, part.name)


def _life(folder: DataFolder, serving: Serving, name: str) -> Finding:
    check = f"life.{name}"
    try:
        age = time.time() - (serving.sockets / f"{name}.alive").stat().st_mtime
    except FileNotFoundError:
        return broken(check, "it has never shown life", f"See {folder.logs / f'{name}.log'}.")
    says = f"its loop turned {age:.0f} s ago"
    if age > ALIVE_SECONDS_AT_MOST:
        mend = f"It hangs: end process {_pid(folder, name)}, it is started anew and nothing is lost."
        return broken(check, says, mend)
    return Finding(check=check, says=says)


def _pid(folder: DataFolder, name: str) -> str:
    file = folder.pids / f"{name}.pid"
    return file.read_text().strip() if file.exists() else "?"
