"""Files with secrets: readable by their owner alone from their first byte on."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a new file; raises `FileExistsError` rather than replace a secret."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


def replace_private(path: Path, text: str) -> None:
    """Write a file anew, whole or not at all: after a crash the old one is there, or the new one."""
    written = path.with_name(f"{path.name}.new")
    written.unlink(missing_ok=True)
    write_private(written, text)
    with written.open("rb") as file:
        os.fsync(file.fileno())
    written.replace(path)
