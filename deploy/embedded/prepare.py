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
from services.sessions.configuration.use_cases import any_instance, found_instance
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.field_keys import FieldKeys
from shared.database.migrations import upgrade
from shared.database.transactions import Database
from shared.messaging.sealing import KeyRing

PASSWORD_BYTES: Final = 12
FIRST_LOGIN: Final = "admin"


async def prepare(folder: Path, services: list[str]) -> None:
    """Migrate the services' databases, then see to the first login."""
    # The folder's own keys, whatever the environment says.
    keys = KeyRing.parse((folder / "field.keys").read_text())
    for service in services:
        engine = create_engine(f"sqlite+aiosqlite:///{folder}/{service}.sqlite3")
        await upgrade(engine, service, master_keys=lambda: keys)
        await engine.dispose()
        (folder / f"{service}.sqlite3").chmod(0o600)
    await _found(folder, FieldKeys(master_keys=keys))


async def _found(folder: Path, keys: FieldKeys) -> None:
    """Found the first instance, unless there is one."""
    engine = create_engine(f"sqlite+aiosqlite:///{folder}/sessions.sqlite3")
    database = Database(engine=engine, field_keys=keys)
    if not await any_instance(database):
        # Written first: after a crash in between, the next start founds with what is written.
        kept = folder / "first-login.json"
        if not kept.exists():
            login = {"login": FIRST_LOGIN, "password": secrets.token_urlsafe(PASSWORD_BYTES)}
            write_private(kept, json.dumps(login))
        await found_instance(database, name="OpenCircle", **json.loads(kept.read_text()), clock=now_utc)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(prepare(Path(sys.argv[1]), sys.argv[2:]))
