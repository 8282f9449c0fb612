"""`python -m tests.checks.openapi` writes docs/api; `--check` tells where the code differs."""

import json
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Final

from deploy.embedded.folder import DataFolder

SERVICES: Final = ("sessions", "charts", "billing_bridge", "printing")
FOLDER: Final = Path(__file__).parents[2] / "docs" / "api"


def main(*, check: bool) -> int:
    differing = []
    for service, described in descriptions().items():
        path = FOLDER / f"{service}.json"
        if not check:
            path.write_text(described)
        elif not path.exists() or path.read_text() != described:
            differing.append(path.name)
    if differing:
        sys.stdout.write(f"run python -m tests.checks.openapi: {', '.join(differing)}\n")
    return len(differing)


def descriptions() -> dict[str, str]:
    """Give each service's description, as the embedded deployment would serve it."""
    with tempfile.TemporaryDirectory(prefix="opencircle-check-") as name:
        folder = DataFolder(root=Path(name))
        folder.prepare()
        os.environ.update(folder.environment(sockets=folder.root, port=1))
        return {service: _described(service) for service in SERVICES}


def _described(service: str) -> str:
    application = import_module(f"services.{service}.main").create_application()
    return json.dumps(application.openapi(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
