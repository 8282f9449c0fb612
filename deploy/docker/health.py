"""What a container's health check runs: `python -m deploy.docker.health ready`, or `... alive 60`.

`ready` asks the API of this container; `alive` looks how old, in seconds, the file is that a loop touches.
"""

import os
import sys
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

ANSWER_SECONDS = 4.0


def ready(port: int) -> bool:
    """Tell whether the API on this port reaches its database."""
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200  # noqa: PLR2004 - HTTP's own number
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def alive(file: Path, *, seconds_at_most: float) -> bool:
    """Tell whether the file was touched within so many seconds."""
    try:
        return time.time() - file.stat().st_mtime <= seconds_at_most
    except FileNotFoundError:
        return False


def main(arguments: list[str]) -> int:
    """Give the exit status that Docker takes: 0 healthy, 1 not."""
    match arguments:
        case ["ready"]:
            return 0 if ready(int(os.environ.get("OPENCIRCLE_HTTP_PORT", "8000"))) else 1
        case ["alive", seconds]:
            file = Path(os.environ["OPENCIRCLE_ALIVE_FILE"])
            return 0 if alive(file, seconds_at_most=float(seconds)) else 1
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
