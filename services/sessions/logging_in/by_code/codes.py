"""One-time codes: given to who has typed a password, and exchanged for tokens by the front end that asked."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import delete, insert, select, update

from services.sessions.directory.models import STAFF_MEMBER
from services.sessions.logging_in.by_code.domain import CODE_LASTS, Asked, proves
from services.sessions.logging_in.by_code.models import AUTHORIZATION_CODE, FRONT_END
from services.sessions.logging_in.domain import Limits
from services.sessions.logging_in.models import LOG_IN
from services.sessions.logging_in.repository import TOKEN_BYTES, LogIn, end, hashed
from services.sessions.logging_in.use_cases import WRONG, Opened, begin, prove
from services.sessions.metadata import TRAIL
from shared.clock import Clock
from shared.database.audit import Outcome, record_access
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.problems import UnauthenticatedProblem

REFUSED: Final = "The code is not valid for this front end, was used before, or is too old."
REMEMBERED_FOR: Final = timedelta(days=1)
"""No log-in lasts longer: a code that comes again later has nothing left to end."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class FrontEnd:
    """A front end that goes on."""

    id: UUID
    instance_id: UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class Redeemed:
    """The log-in that a code has opened, and what its ID token says beside."""

    opened: Opened
    front_end_id: UUID
    openid: bool
    nonce: str | None


async def front_end_of(database: Database, fields: Mapping[str, str]) -> FrontEnd | None:
    """Find whom a request comes from; None: nobody, or not at this redirect URI, so nothing may go there."""
    try:
        front_end_id = UUID(fields.get("client_id"))
    except (ValueError, TypeError, AttributeError):
        return None
    # Like a login, it does not know its instance yet.
    async with database.reading_for_all() as connection:
        going_on = (FRONT_END.c.id == front_end_id) & FRONT_END.c.ended_at.is_(None)
        row = (await connection.execute(select(FRONT_END).where(going_on))).one_or_none()
    if row is None or fields.get("redirect_uri") not in row.redirect_uris:
        return None
    return FrontEnd(id=row.id, instance_id=row.instance_id, name=row.name)


async def give_code(
    database: Database,
    front_end: FrontEnd,
    asked: Asked,
    *,
    login: str,
    password: str,
    address: str | None,
    clock: Clock,
) -> str:
    """Give a code to who knows a password of the front end's instance; raises as `log_in` does."""
    account = await prove(database, login=login, password=password, address=address, clock=clock)
    if account.instance_id != front_end.instance_id:
        raise UnauthenticatedProblem(WRONG)
    code, now = secrets.token_urlsafe(TOKEN_BYTES), clock()
    row = {
        "sha256": hashed(code),
        "front_end_id": front_end.id,
        "user_id": account.user_id,
        "redirect_uri": asked.redirect_uri,
        "challenge": asked.challenge,
        "nonce": asked.nonce,
        "openid": asked.openid,
        "authenticated_at": now,
        "expires_at": now + CODE_LASTS,
    }
    async with database.writing(front_end.instance_id) as db:
        old = AUTHORIZATION_CODE.c.expires_at < now - REMEMBERED_FOR
        mine = AUTHORIZATION_CODE.c.instance_id == db.instance_id
        await db.execute(delete(AUTHORIZATION_CODE).where(old, mine))
        await db.execute(insert(AUTHORIZATION_CODE).values(instance_id=db.instance_id, **row))
    return code


async def redeem(database: Database, form: Mapping[str, str], *, limits: Limits, clock: Clock) -> Redeemed:
    """Open the log-in that a code stands for, once.

    Raises `UnauthenticatedProblem` that says no more. A code that comes a second time ends what came from
    it: somebody else has seen it (RFC 9700, 4.5).
    """
    row = await _known(database, form["code"])
    if row.log_in_id is None:
        _require_fits(row, form, clock=clock)
    log_in = LogIn(
        id=new_id(),
        user_id=row.user_id,
        instance_id=row.instance_id,
        authenticated_at=row.authenticated_at,
        last_used_at=clock(),
        front_end_id=row.front_end_id,
    )
    async with database.writing(row.instance_id) as db:
        if await _claim(db, row.sha256, log_in.id):
            opened = await begin(db, log_in, limits=limits)
            return Redeemed(opened=opened, front_end_id=row.front_end_id, openid=row.openid, nonce=row.nonce)
        await _revoke(db, row, clock=clock)
    raise UnauthenticatedProblem(REFUSED)


async def _known(database: Database, code: str) -> Any:
    joined = AUTHORIZATION_CODE.join(FRONT_END).join(
        STAFF_MEMBER, STAFF_MEMBER.c.id == AUTHORIZATION_CODE.c.user_id
    )
    going_on = FRONT_END.c.ended_at.is_(None) & STAFF_MEMBER.c.active
    statement = (
        select(AUTHORIZATION_CODE)
        .select_from(joined)
        .where(AUTHORIZATION_CODE.c.sha256 == hashed(code), going_on)
    )
    async with database.reading_for_all() as connection:
        row = (await connection.execute(statement)).one_or_none()
    if row is None:
        raise UnauthenticatedProblem(REFUSED)
    return row


def _require_fits(row: Any, form: Mapping[str, str], *, clock: Clock) -> None:
    fits = (
        form.get("client_id") == str(row.front_end_id)
        and form.get("redirect_uri") == row.redirect_uri
        and proves(form.get("code_verifier", ""), challenge=row.challenge)
        and clock() < row.expires_at
    )
    if not fits:
        raise UnauthenticatedProblem(REFUSED)


async def _claim(db: Transaction, sha256: str, log_in_id: UUID) -> bool:
    """Take the code; False: somebody else has, perhaps at this moment."""
    mine = (AUTHORIZATION_CODE.c.sha256 == sha256) & (AUTHORIZATION_CODE.c.instance_id == db.instance_id)
    unused = AUTHORIZATION_CODE.c.log_in_id.is_(None)
    statement = update(AUTHORIZATION_CODE).where(mine, unused).values(log_in_id=log_in_id)
    return (await db.execute(statement)).rowcount == 1


async def _revoke(db: Transaction, row: Any, *, clock: Clock) -> None:
    # Asked anew: of two at once, the other one's log-in was not known when the code was looked up.
    came_from_it = (
        select(AUTHORIZATION_CODE.c.log_in_id)
        .where(AUTHORIZATION_CODE.c.sha256 == row.sha256, AUTHORIZATION_CODE.c.instance_id == db.instance_id)
        .scalar_subquery()
    )
    await end(db, LOG_IN.c.id == came_from_it, at=clock())
    await record_access(
        db,
        TRAIL,
        at=clock(),
        user_id=row.user_id,
        action="log_in.code_reused",
        subject=row.front_end_id,
        outcome=Outcome.REFUSED,
    )
    log.warning("A code was shown twice; the log-in from it is over.", code="log_in.code_reused")
