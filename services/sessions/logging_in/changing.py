"""Passwords that are changed, and logins that are unlocked."""

from uuid import UUID

from sqlalchemy import ColumnElement

from services.sessions.directory.passwords import check_password, hash_password, refuse_common
from services.sessions.directory.permissions import Action
from services.sessions.directory.repository import change_password as store_password
from services.sessions.directory.use_cases import access_of, permit
from services.sessions.logging_in.models import LOG_IN
from services.sessions.logging_in.repository import end, login_of
from services.sessions.logging_in.throttling import Attempt, count, forgive, unlock
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.transactions import Database
from shared.web.identity import Identity
from shared.web.problems import ForbiddenProblem, NotFoundProblem

NO_LOGIN = "This user has no login of the built-in issuer."


async def change_password(
    database: Database, identity: Identity, *, old: str, new: str, address: str | None, clock: Clock
) -> None:
    """Change the caller's password, and end all log-ins but the one they ask from.

    Raises `ForbiddenProblem` for a wrong old one, which is counted like a log-in that failed,
    `TooManyFailuresProblem`, `InvalidProblem` for one that others would try first, or `NotFoundProblem`.
    """
    async with database.reading(identity.instance_id) as db:
        await access_of(db, identity)
        account = await login_of(db, identity.user_id)
    if account is None:
        raise NotFoundProblem(NO_LOGIN)
    refuse_common(new, login=account.login)
    attempt = Attempt.of(login=account.login, address=address)
    async with database.writing_for_all() as connection:
        await count(connection, attempt, at=clock())
    if not await check_password(old, account.password_hash):
        raise ForbiddenProblem("The old password is not right.")
    password_hash = await hash_password(new)
    async with database.writing(identity.instance_id) as db:
        await forgive(db.connection, attempt, at=clock())
        await store_password(db, user_id=identity.user_id, password_hash=password_hash)
        await end(db, _others(identity), at=clock())
        await record_access(
            db,
            TRAIL,
            at=clock(),
            user_id=identity.user_id,
            action="login.password_changed",
            subject=identity.user_id,
        )


async def replace_password(
    database: Database, identity: Identity, user_id: UUID, *, new: str, clock: Clock
) -> None:
    """Give another user a new password, end their log-ins and let them try at once; Super Admins only.

    Raises `ForbiddenProblem`, for one's own too, which needs the old one; `NotFoundProblem`; or
    `InvalidProblem` for a password that others would try first.
    """
    if user_id == identity.user_id:
        raise ForbiddenProblem("Your own password is changed with the old one.")
    async with database.reading(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        account = await login_of(db, user_id)
    if account is None:
        raise NotFoundProblem(NO_LOGIN)
    refuse_common(new, login=account.login)
    # Between the transactions: it is slow on purpose, and others wait for the database's lock.
    password_hash = await hash_password(new)
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        await store_password(db, user_id=user_id, password_hash=password_hash)
        await end(db, LOG_IN.c.user_id == user_id, at=clock())
        await unlock(db.connection, login=account.login)
        await record_access(
            db, TRAIL, at=clock(), user_id=identity.user_id, action="login.password_replaced", subject=user_id
        )


async def unlock_login(database: Database, identity: Identity, user_id: UUID, *, clock: Clock) -> None:
    """Let a user try again at once; raises `ForbiddenProblem` or `NotFoundProblem`."""
    async with database.writing(identity.instance_id) as db:
        await permit(db, identity, Action.MANAGE_DIRECTORY)
        account = await login_of(db, user_id)
        if account is None:
            raise NotFoundProblem(NO_LOGIN)
        await unlock(db.connection, login=account.login)
        await record_access(
            db, TRAIL, at=clock(), user_id=identity.user_id, action="login.unlocked", subject=user_id
        )


def _others(identity: Identity) -> ColumnElement[bool]:
    mine = LOG_IN.c.user_id == identity.user_id
    return mine if identity.log_in_id is None else mine & (LOG_IN.c.id != identity.log_in_id)
