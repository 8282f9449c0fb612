"""A batch in a folder of this machine: laid down whole or not at all."""

import contextlib
import os
import tempfile
from pathlib import Path

from services.billing_bridge.batches import Batch


def is_there(folder: Path, batch: Batch) -> bool:
    """Tell whether the batch was laid down and nobody has taken it away yet."""
    totals = folder / f"{batch.name}.totals.json"
    return totals.exists() and totals.read_bytes() == batch.totals


def lay_down(folder: Path, batch: Batch) -> None:
    """Write both files; the totals come last, so a reader that waits for them never reads half a file."""
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    _replace(folder / f"{batch.name}.csv", batch.content)
    _replace(folder / f"{batch.name}.totals.json", batch.totals)


def _replace(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o640)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(temporary).unlink()
        raise
    _keep_names(path.parent)


def _keep_names(folder: Path) -> None:
    # A new name survives a power cut only when the folder itself is on disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
