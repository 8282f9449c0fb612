"""Logging in at the built-in issuer, staying logged in, and ending it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID

import structlog

from services.sessions.directory.passwords import check_password
from services.sessions.directory.repository import account_by_login
from services.sessions.directory.use_cases import access_of
from services.sessions.logging_in.domain import Limits
from services.sessions.logging_in.models import LOG_IN
from services.sessions.logging_in.repository import (
    LogIn,
    Renewal,
    add_log_in,
    end,
    forget,
    log_ins_of,
    new_refresh_token,
    renewal_by,
    touch,
    use_up,
)
from services.sessions.logging_in.throttling import Attempt, confirm, count, forgive
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import Outcome, record_access
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.problems import NotFoundProblem, UnauthenticatedProblem

WRONG: Final = "The login or the password is not right."
OVER: Final = "This refresh token is not valid, or its log-in is over. Log in again."

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A log-in that goes on, and the token that renews it once."""

    log_in: LogIn
    refresh_token: str


async def log_in(
    database: Database, *, login: str, password: str, address: str | None, limits: Limits, clock: Clock
) -> Opened:
    """Check a password of the built-in issuer and open a log-in.

    Raises `UnauthenticatedProblem` that says no more, or `TooManyFailuresProblem` without looking at it.
    """
    account = await prove(database, login=login, password=password, address=address, clock=clock)
    return await open_log_in(database, account, limits=limits, clock=clock)


async def prove(database: Database, *, login: str, password: str, address: str | None, clock: Clock) -> Any:
    """Give the account whose login and password these are, or raise as `log_in` does."""
    attempt = Attempt.of(login=login, address=address)
    async with database.writing_for_all() as connection:
        disables = await count(connection, attempt, at=clock())
        account = (await connection.execute(account_by_login(login))).one_or_none()
    # Between the transactions: it is slow on purpose, and others wait for the database's lock.
    stored = account.password_hash if account else None
    if not await check_password(password, stored) or account is None or not account.active:
        await _refuse(database, account, attempt, disables=disables, at=clock())
    async with database.writing_for_all() as connection:
        await forgive(connection, attempt, at=clock())
    return account


async def _refuse(
    database: Database, account: Any, attempt: Attempt, *, disables: bool, at: datetime
) -> NoReturn:
    action = "log_in.disabled" if disables else "log_in.failed"
    log.warning(
        "A log-in failed.", code=action, user_id=str(account.user_id) if account is not None else None
    )
    if account is None:
        # As much work as the trail is: the time must not tell whether somebody has this login.
        async with database.writing_for_all() as connection:
            await confirm(connection, attempt, at=at)
    else:
        async with database.writing(account.instance_id) as db:
            await _record(db, account.user_id, action, account.user_id, at=at, outcome=Outcome.REFUSED)
    raise UnauthenticatedProblem(WRONG)


async def open_log_in(database: Database, account: Any, *, limits: Limits, clock: Clock) -> Opened:
    """Open a log-in of somebody who has just proved who they are."""
    now = clock()
    opened = LogIn(
        id=new_id(),
        user_id=account.user_id,
        instance_id=account.instance_id,
        authenticated_at=now,
        last_used_at=now,
    )
    async with database.writing(account.instance_id) as db:
        return await begin(db, opened, limits=limits)


async def begin(db: Transaction, log_in: LogIn, *, limits: Limits) -> Opened:
    """Write a new log-in down, and forget those of the user that are over."""
    now, user_id = log_in.last_used_at, log_in.user_id
    over = [one.id for one in await log_ins_of(db, user_id) if one.is_over(limits, at=now)]
    await forget(db, over)
    await add_log_in(db, log_in)
    await _record(db, user_id, "log_in.opened", log_in.id, at=now)
    return Opened(log_in=log_in, refresh_token=await new_refresh_token(db, log_in.id))


async def refresh(
    database: Database, *, token: str, client_id: str | None, limits: Limits, clock: Clock
) -> Opened:
    """Give a log-in its next refresh token, once for each (RFC 9700, 4.14.2).

    Raises `UnauthenticatedProblem`, for a front end other than the log-in's too. A token that comes a second
    time ends the log-in: one of the two who showed it is a thief, and nobody can tell which.
    """
    renewal = await _renewal(database, token)
    now, log_in_id, front_end_id = clock(), renewal.log_in.id, renewal.log_in.front_end_id
    if front_end_id is not None and client_id != str(front_end_id):
        raise UnauthenticatedProblem(OVER)
    if not renewal.active or renewal.log_in.is_over(limits, at=now):
        raise UnauthenticatedProblem(OVER)
    async with database.writing(renewal.log_in.instance_id) as db:
        is_first = await use_up(db, token)
        if is_first and await touch(db, log_in_id, at=now):
            return Opened(log_in=renewal.log_in, refresh_token=await new_refresh_token(db, log_in_id))
        if not is_first:
            await end(db, LOG_IN.c.id == log_in_id, at=now)
            user_id = renewal.log_in.user_id
            await _record(db, user_id, "log_in.token_reused", log_in_id, at=now, outcome=Outcome.REFUSED)
            log.warning("A refresh token was shown twice; its log-in is over.", code="log_in.token_reused")
    raise UnauthenticatedProblem(OVER)


async def log_out(database: Database, *, token: str, clock: Clock) -> None:
    """End the log-in that a refresh token belongs to; one that is not known was ended already (RFC 7009)."""
    try:
        renewal = await _renewal(database, token)
    except UnauthenticatedProblem:
        return
    await _end(database, renewal.log_in.instance_id, renewal.log_in.user_id, renewal.log_in.id, at=clock())


async def own_log_ins(database: Database, identity: Identity, *, limits: Limits, clock: Clock) -> list[LogIn]:
    """Give the caller's log-ins that go on, newest first."""
    async with database.reading(identity.instance_id) as db:
        await access_of(db, identity)
        known = await log_ins_of(db, identity.user_id)
    return [one for one in known if not one.is_over(limits, at=clock())]


async def end_own(database: Database, identity: Identity, log_in_id: UUID, *, clock: Clock) -> None:
    """End one of the caller's log-ins; raises `NotFoundProblem`."""
    async with database.reading(identity.instance_id) as db:
        await access_of(db, identity)
    if not await _end(database, identity.instance_id, identity.user_id, log_in_id, at=clock()):
        raise NotFoundProblem("You have no such log-in, or it is over.")


async def _renewal(database: Database, token: str) -> Renewal:
    async with database.reading_for_all() as connection:
        renewal = await renewal_by(connection, token)
    if renewal is None:
        raise UnauthenticatedProblem(OVER)
    return renewal


async def _end(
    database: Database, instance_id: UUID, user_id: UUID, log_in_id: UUID, *, at: datetime
) -> bool:
    async with database.writing(instance_id) as db:
        mine = (LOG_IN.c.id == log_in_id) & (LOG_IN.c.user_id == user_id)
        ended = await end(db, mine, at=at)
        if ended:
            await _record(db, user_id, "log_in.ended", log_in_id, at=at)
    return bool(ended)


async def _record(
    db: Transaction,
    user_id: UUID,
    action: str,
    subject: UUID,
    *,
    at: datetime,
    outcome: Outcome = Outcome.ALLOWED,
) -> None:
    await record_access(db, TRAIL, at=at, user_id=user_id, action=action, subject=subject, outcome=outcome)
