"""Whether this process can serve: what `/readyz` answers."""

from dataclasses import dataclass, field
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database.transactions import Database
from shared.messaging.failures import reason_of

AWAY: Final = "the database can't be reached"

log = structlog.get_logger()


@dataclass(kw_only=True)
class Readiness:
    """Asks the database, and until they are seen to open, for the data keys in it.

    The broker is not asked: without it sessions are still accepted, only delivered later.
    """

    database: Database
    _keys_open: bool = field(default=False, init=False)
    """Once seen, not asked for again: what becomes wrong later must not take all processes away at once."""

    async def lacking(self) -> str | None:
        """Say what this process can't serve without; None: nothing."""
        try:
            lost = await self._ask()
        except (DBAPIError, OSError) as error:
            log.warning(
                "The database can't be reached.", code="database.unavailable", reason=reason_of(error)
            )
            return AWAY
        self._keys_open = not lost
        if ids := ", ".join(sorted(lost)):
            log.error("Master keys are missing or wrong.", code="master_keys.lost", reason=ids)
            return f"OPENCIRCLE_FIELD_KEYS: missing or wrong: {ids}"
        return None

    async def _ask(self) -> set[str]:
        async with self.database.reading_for_all() as connection:
            if self._keys_open:
                await connection.execute(text("SELECT 1"))
                return set()
            return await connection.run_sync(self.database.field_keys.lost)
