"""Files with secrets: readable by their owner alone from their first byte on."""

import os
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a new file; raises `FileExistsError` rather than replace a secret."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
