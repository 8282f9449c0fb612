"""Bring the databases of a data folder to their heads; at the first start, found an instance with a login.

Run as a process of its own, so that a start with nothing to do does not load a migration tool.
"""

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Final

from deploy.embedded.private_files import write_private
from services.sessions.configuration.use_cases import found_instance
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.database.transactions import Database

PASSWORD_BYTES: Final = 12
FIRST_LOGIN: Final = "admin"


async def prepare(folder: Path, services: list[str]) -> None:
    """Migrate the services' databases, then see to the first login."""
    for service in services:
        engine = create_engine(f"sqlite+aiosqlite:///{folder}/{service}.sqlite3")
        await upgrade(engine, service)
        await engine.dispose()
        (folder / f"{service}.sqlite3").chmod(0o600)
    if not (folder / "first-login.json").exists():
        await _found(folder)


async def _found(folder: Path) -> None:
    engine = create_engine(f"sqlite+aiosqlite:///{folder}/sessions.sqlite3")
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    await found_instance(
        Database(engine=engine), name="OpenCircle", login=FIRST_LOGIN, password=password, clock=now_utc
    )
    await engine.dispose()
    login = json.dumps({"login": FIRST_LOGIN, "password": password})
    write_private(folder / "first-login.json", login)


if __name__ == "__main__":
    asyncio.run(prepare(Path(sys.argv[1]), sys.argv[2:]))
