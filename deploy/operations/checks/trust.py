"""What trust rests on: the keys that open what is sealed, and anchors that nobody can take back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from deploy.operations.checks.findings import Finding, broken, not_looked_at, warning
from deploy.operations.where import Where
from shared.audit.anchors import BadAnchorError, read_anchors, read_private_key
from shared.audit.settings import AnchorSettings
from shared.clock import now_utc
from shared.database.field_keys import DATA_KEY, FieldKeys

LATE_AFTER: Final = 3
"""So many times the interval: one anchor may fail, and the next comes a while later."""
LOOKED_AT_BYTES: Final = 1_000_000
"""Of the end of the anchors' file, which only grows."""


async def field_keys(connection: AsyncConnection, keys: FieldKeys, service: str) -> Finding:
    """Open every stored data key."""
    check = f"field_keys.{service}"
    rows = (await connection.execute(select(DATA_KEY))).all()
    lost = sum(not keys.opens(row) for row in rows)
    if not lost:
        return Finding(check=check, says=f"all {len(rows)} data keys open")
    mend = (
        "Put the missing master key back into OPENCIRCLE_FIELD_KEYS (of a data folder: `field.keys`): "
        "what they sealed opens by it alone."
    )
    return broken(check, f"{lost} of {len(rows)} data keys open by no master key that is here", mend)


def look_at_anchors(where: Where) -> Iterator[Finding]:
    """Look when the trail of each service was anchored last."""
    settings = where.read(AnchorSettings)
    if settings.key is None and where.folder is None:
        mend = "Look where an API runs: no other process has the key."
        yield not_looked_at("anchors", "OPENCIRCLE_ANCHOR_KEY is not set here", mend)
        return
    if settings.key is None or settings.file is None:
        says = "anchors go to a bucket" if settings.bucket_url else "no key yet: `up` makes one"
        yield not_looked_at("anchors", says, "`opencircle audit verify --from-anchor` proves them.")
        return
    try:
        newest = _newest(settings)
    except BadAnchorError as error:
        mend = "Somebody changed the file, or the key: prove the older part, and begin a new file."
        yield broken("anchors", str(error), mend)
        return
    every = timedelta(minutes=settings.every_minutes)
    for service in where.services:
        age = _age(service, newest.get(service), every)
        yield _not_due(age.check) if not newest and _is_new(where, every) else age


def _newest(settings: AnchorSettings) -> dict[str, datetime]:
    assert settings.key is not None and settings.file is not None  # noqa: S101, PT018 - looked at before
    if not settings.file.exists():
        return {}
    with settings.file.open("rb") as file:
        begun = max(0, settings.file.stat().st_size - LOOKED_AT_BYTES)
        file.seek(begun)
        # From within, the first line may be half a one.
        text = file.read().partition(b"\n")[2] if begun else file.read()
    key = read_private_key(settings.key.get_secret_value()).public_key()
    return {head.service: head.at for head in read_anchors(text, key)}


def _is_new(where: Where, every: timedelta) -> bool:
    """Whether a data folder was laid out so lately that nothing need be anchored yet."""
    if where.folder is None:
        return False
    made_at = datetime.fromtimestamp(where.folder.anchor_key.stat().st_mtime, UTC)
    return now_utc() - made_at < LATE_AFTER * every


def _not_due(check: str) -> Finding:
    return Finding(check=check, says="the deployment is new: its first anchor is not due")


def _age(service: str, newest: datetime | None, every: timedelta) -> Finding:
    check = f"anchors.{service}"
    if newest is None:
        mend = "If anybody has used it: see its API's log, and whether it may write the file."
        return warning(check, "its trail was never anchored", mend)
    age = now_utc() - newest
    says = f"anchored {age.total_seconds() / 60:.0f} minutes ago"
    if age > LATE_AFTER * every:
        return warning(check, says, "Its API does not run, or can't write the anchors: see its log.")
    return Finding(check=check, says=says)
