"""Service accounts at the built-in issuer: RFC 6749, 4.4 by `private_key_jwt` (RFC 7523)."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import jwt
from sqlalchemy import delete, select

from services.sessions.metadata import TRAIL
from services.sessions.service_accounts.models import CLIENT_ASSERTION, SERVICE_ACCOUNT
from shared.clock import Clock
from shared.database.audit import record_access
from shared.database.dialects import upsert
from shared.database.transactions import Database, Transaction
from shared.web.identity import ALGORITHMS, CLOCK_LEEWAY_SECONDS
from shared.web.problems import UnauthenticatedProblem

ASSERTION_LASTS_AT_MOST: Final = timedelta(minutes=5)
REFUSED: Final = "The client assertion is not valid, was used before, or its account has ended."


async def prove_account(database: Database, assertion: str, *, issuer: str, clock: Clock) -> Any:
    """Give the account that has signed an assertion for this `issuer`; each is good once.

    Raises `UnauthenticatedProblem` that says no more.
    """
    account = await _named(database, assertion)
    claims = _checked(assertion, account, issuer, now=clock())
    async with database.writing(account.instance_id) as db:
        await _use_up(db, account.id, claims, at=clock())
        await record_access(
            db, TRAIL, at=clock(), user_id=account.id, action="service_account.token", subject=account.id
        )
    return account


async def _named(database: Database, assertion: str) -> Any:
    """Find the account by what the assertion says of itself, before anything of it is believed."""
    try:
        account_id = UUID(jwt.decode(assertion, options={"verify_signature": False})["sub"])
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
        raise UnauthenticatedProblem(REFUSED) from None
    # Like a login, it does not know its instance yet.
    async with database.reading_for_all() as connection:
        going_on = (SERVICE_ACCOUNT.c.id == account_id) & SERVICE_ACCOUNT.c.ended_at.is_(None)
        account = (await connection.execute(select(SERVICE_ACCOUNT).where(going_on))).one_or_none()
    if account is None or account.public_key is None:
        raise UnauthenticatedProblem(REFUSED)
    return account


def _checked(assertion: str, account: Any, issuer: str, *, now: datetime) -> dict[str, Any]:
    key = jwt.PyJWK.from_dict(account.public_key)
    try:
        claims: dict[str, Any] = jwt.decode(
            assertion,
            key,
            # Not any of the allowed ones: the one that the key is for.
            algorithms=[one for one in ALGORITHMS if one == key.algorithm_name],
            audience=issuer,
            issuer=str(account.id),
            # The service's own clock decides on the times, below.
            options={
                "require": ["exp", "jti", "sub", "iss", "aud"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        raise UnauthenticatedProblem(REFUSED) from None
    leeway = timedelta(seconds=CLOCK_LEEWAY_SECONDS)
    if not now - leeway < expires_at <= now + ASSERTION_LASTS_AT_MOST + leeway:
        raise UnauthenticatedProblem(REFUSED)
    return claims | {"expires_at": expires_at}


async def _use_up(db: Transaction, account_id: UUID, claims: dict[str, Any], *, at: datetime) -> None:
    # Only once its time is over by any clock may its name come again.
    old = CLIENT_ASSERTION.c.expires_at < at - timedelta(seconds=CLOCK_LEEWAY_SECONDS)
    await db.execute(delete(CLIENT_ASSERTION).where(old, CLIENT_ASSERTION.c.instance_id == db.instance_id))
    row = {
        "sha256": sha256(f"{account_id} {claims['jti']}".encode()).hexdigest(),
        "instance_id": db.instance_id,
        "expires_at": claims["expires_at"],
    }
    added = await db.execute(upsert(db.connection, CLIENT_ASSERTION, row).on_conflict_do_nothing())
    if added.rowcount != 1:
        raise UnauthenticatedProblem(REFUSED)
