"""Reading and writing log-ins and the tokens that renew them."""

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sessions.directory.models import ACCOUNT, STAFF_MEMBER
from services.sessions.logging_in.domain import Limits
from services.sessions.logging_in.models import LOG_IN, REFRESH_TOKEN
from shared.database.transactions import Transaction

TOKEN_BYTES: Final = 32


@dataclass(frozen=True, kw_only=True)
class LogIn:
    """One proof of who somebody is, and all that follows from it."""

    id: UUID
    user_id: UUID
    instance_id: UUID
    authenticated_at: datetime
    last_used_at: datetime
    ended_at: datetime | None = None
    front_end_id: UUID | None = None
    """The front end that alone may renew it; None: a client that knew the password itself."""

    def is_over(self, limits: Limits, *, at: datetime) -> bool:
        """Whether it was ended, or was left alone, or lasts, too long."""
        ends_at = limits.ends_at(authenticated_at=self.authenticated_at, last_used_at=self.last_used_at)
        return self.ended_at is not None or at >= ends_at


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """The log-in that a refresh token belongs to."""

    log_in: LogIn
    used: bool
    active: bool
    """Whether its user is on the staff still."""


def hashed(token: str) -> str:
    """Give what is kept of a token. It is random, so that no slow hash is needed."""
    return sha256(token.encode()).hexdigest()


async def add_log_in(db: Transaction, log_in: LogIn) -> None:
    """Write a new one down."""
    await db.execute(
        insert(LOG_IN).values(
            id=log_in.id,
            instance_id=db.instance_id,
            user_id=log_in.user_id,
            authenticated_at=log_in.authenticated_at,
            last_used_at=log_in.last_used_at,
            front_end_id=log_in.front_end_id,
        )
    )


async def new_refresh_token(db: Transaction, log_in_id: UUID) -> str:
    """Make the next token that renews a log-in; only its hash is kept."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    values = {
        "sha256": hashed(token),
        "instance_id": db.instance_id,
        "log_in_id": log_in_id,
        "used": False,
    }
    await db.execute(insert(REFRESH_TOKEN).values(values))
    return token


async def renewal_by(connection: AsyncConnection, token: str) -> Renewal | None:
    """Find what a refresh token renews; like a login, it does not know its instance yet."""
    joined = REFRESH_TOKEN.join(LOG_IN).join(STAFF_MEMBER, STAFF_MEMBER.c.id == LOG_IN.c.user_id)
    statement = (
        select(LOG_IN, REFRESH_TOKEN.c.used, STAFF_MEMBER.c.active)
        .select_from(joined)
        .where(REFRESH_TOKEN.c.sha256 == hashed(token))
    )
    row = (await connection.execute(statement)).one_or_none()
    return Renewal(log_in=_log_in(row), used=row.used, active=row.active) if row else None


async def use_up(db: Transaction, token: str) -> bool:
    """Take a refresh token; False: somebody else has, perhaps at this moment."""
    mine = (REFRESH_TOKEN.c.sha256 == hashed(token)) & (REFRESH_TOKEN.c.instance_id == db.instance_id)
    statement = update(REFRESH_TOKEN).where(mine, REFRESH_TOKEN.c.used.is_(False)).values(used=True)
    return (await db.execute(statement)).rowcount == 1


async def touch(db: Transaction, log_in_id: UUID, *, at: datetime) -> bool:
    """Write down that a log-in goes on; False: it was ended meanwhile."""
    mine = (LOG_IN.c.id == log_in_id) & (LOG_IN.c.instance_id == db.instance_id)
    statement = update(LOG_IN).where(mine, LOG_IN.c.ended_at.is_(None)).values(last_used_at=at)
    return (await db.execute(statement)).rowcount == 1


async def end(db: Transaction, which: ColumnElement[bool], *, at: datetime) -> list[UUID]:
    """End the log-ins that fit and go on; give their ids."""
    going_on = (LOG_IN.c.instance_id == db.instance_id) & LOG_IN.c.ended_at.is_(None)
    statement = update(LOG_IN).where(which, going_on).values(ended_at=at).returning(LOG_IN.c.id)
    return list((await db.execute(statement)).scalars())


async def log_ins_of(db: Transaction, user_id: UUID) -> list[LogIn]:
    """Give a user's log-ins, newest first."""
    rows = db.rows_of(LOG_IN).where(LOG_IN.c.user_id == user_id).order_by(LOG_IN.c.id.desc())
    return [_log_in(row) for row in await db.all(rows)]


async def forget(db: Transaction, ids: Collection[UUID]) -> None:
    """Delete log-ins, and their refresh tokens with them."""
    await db.execute(delete(LOG_IN).where(LOG_IN.c.id.in_(ids), LOG_IN.c.instance_id == db.instance_id))


async def login_of(db: Transaction, user_id: UUID) -> Any:
    """Give a user's account of the built-in issuer, or None."""
    return await db.one_or_none(db.rows_of(ACCOUNT).where(ACCOUNT.c.user_id == user_id))


def _log_in(row: Any) -> LogIn:
    return LogIn(
        id=row.id,
        user_id=row.user_id,
        instance_id=row.instance_id,
        authenticated_at=row.authenticated_at,
        last_used_at=row.last_used_at,
        ended_at=row.ended_at,
        front_end_id=row.front_end_id,
    )
