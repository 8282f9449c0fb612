"""Log-ins that fail are counted before the password is looked at, so that many at once gain nothing.

The counts are in the database: a restart forgets none, and all processes count together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sessions.logging_in.domain import LONGEST_WAIT, OF_A_LOGIN, OF_AN_ADDRESS, Failures, Pace
from services.sessions.logging_in.models import FAILED_LOG_IN
from shared.database.dialects import take_turns, upsert
from shared.web.problems import Problem

_NAMES: Final = UUID("0b7b2f0e-2f0d-5d1c-9f57-6f5f3f9a4a11")
KEPT_FOR: Final = timedelta(days=30)


class TooManyFailuresProblem(Problem):
    """Too many log-ins have failed for this login, or from this address (429)."""

    status, name, title = 429, "too-many-failed-log-ins", "Too many log-ins have failed"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What is counted together: one login, one address."""

    login_id: UUID
    address_id: UUID | None

    @classmethod
    def of(cls, *, login: str, address: str | None) -> "Attempt":
        """Name both without keeping either; a login that nobody has is counted the same way."""
        return cls(
            login_id=uuid5(_NAMES, f"login {login}"),
            address_id=uuid5(_NAMES, f"address {address}") if address else None,
        )

    @property
    def paces(self) -> Mapping[UUID, Pace]:
        """Tell how each is counted."""
        addresses = {self.address_id: OF_AN_ADDRESS} if self.address_id else {}
        return {self.login_id: OF_A_LOGIN, **addresses}


async def count(connection: AsyncConnection, attempt: Attempt, *, at: datetime) -> bool:
    """Count one as failed, until `forgive`; tell whether one more failure disables the login.

    Raises `TooManyFailuresProblem`, the same for a login that nobody has.
    """
    paces = attempt.paces
    await take_turns(connection, list(paces))
    known = await _known(connection, paces)
    wait = max((known[one].wait(pace, at=at) for one, pace in paces.items() if one in known), default=None)
    if wait:
        raise _too_many(wait, disabled=_disabled(known, attempt.login_id))
    nothing = Failures(count=0, last_at=at)
    now = {one: known.get(one, nothing).one_more(pace, at=at) for one, pace in paces.items()}
    rows = [{"id": one, "failures": failures.count, "last_at": at} for one, failures in now.items()]
    statement = upsert(connection, FAILED_LOG_IN, rows[0])
    changed = {name: statement.excluded[name] for name in ("failures", "last_at")}
    await connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), rows)
    return now[attempt.login_id].disables(OF_A_LOGIN)


async def forgive(connection: AsyncConnection, attempt: Attempt, *, at: datetime) -> None:
    """Take the count back: the password was right. An address is forgiven this one alone.

    What was not tried for a month is forgotten by the way, but for what is disabled.
    """
    table = FAILED_LOG_IN
    old = (table.c.last_at < at - KEPT_FOR) & (table.c.failures < (OF_A_LOGIN.disabled_at or 0))
    await connection.execute(delete(table).where((table.c.id == attempt.login_id) | old))
    mine = table.c.id == attempt.address_id
    await connection.execute(update(table).where(mine).values(failures=table.c.failures - 1))


async def confirm(connection: AsyncConnection, attempt: Attempt, *, at: datetime) -> None:
    """Let the wait of a login run from the moment at which its failure was known."""
    mine = FAILED_LOG_IN.c.id == attempt.login_id
    await connection.execute(update(FAILED_LOG_IN).where(mine).values(last_at=at))


async def unlock(connection: AsyncConnection, *, login: str) -> None:
    """Forget what has failed for a login."""
    login_id = Attempt.of(login=login, address=None).login_id
    await connection.execute(delete(FAILED_LOG_IN).where(FAILED_LOG_IN.c.id == login_id))


async def _known(connection: AsyncConnection, paces: Mapping[UUID, Any]) -> dict[UUID, Failures]:
    rows = await connection.execute(select(FAILED_LOG_IN).where(FAILED_LOG_IN.c.id.in_(paces)))
    return {row.id: Failures(count=row.failures, last_at=row.last_at) for row in rows}


def _disabled(known: Mapping[UUID, Failures], login_id: UUID) -> bool:
    return login_id in known and known[login_id].disables(OF_A_LOGIN)


def _too_many(wait: timedelta, *, disabled: bool) -> TooManyFailuresProblem:
    seconds = ceil((LONGEST_WAIT if disabled else wait).total_seconds())
    detail = "A Super Admin has to unlock this login." if disabled else f"Try again in {seconds} seconds."
    return TooManyFailuresProblem(detail, headers={"Retry-After": str(seconds)})
