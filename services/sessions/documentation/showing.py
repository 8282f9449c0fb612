"""Showing sessions to who may see them, each time audited; what was shown before is not built again."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    Uuid,
    bindparam,
    cast,
    column,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY

from services.sessions.directory.models import STAFF_ACCESS
from services.sessions.directory.permissions import PERMISSIONS, Action
from services.sessions.directory.use_cases import permit
from services.sessions.metadata import TRAIL
from shared.database.audit import Outcome, record_access_to
from shared.database.columns import UtcDateTime
from shared.database.single_trips import SingleTrip
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.identity import Identity
from shared.web.kept_bodies import Kept, KeptBodies

OF_INSTANCE: Final = bindparam("of_instance", type_=Uuid())
"""The instance of whoever asks; every select of versions names it."""

Versions = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Look:
    """What somebody asks to see, and what the trail calls it."""

    versions: Select[Any] | None
    """One row that is the same only while all that is shown is the same; None: nothing is kept."""
    place: Mapping[str, Any]
    """The parameters of that select, beside the instance."""
    action: str
    subject: UUID


Read = Callable[[Transaction, Versions], Awaitable[Kept]]


async def show(
    database: Database, identity: Identity, bodies: KeptBodies, look: Look, read: Read, *, at: datetime
) -> Kept:
    """Give what is asked for and write into each patient's trail that it was seen.

    The body is the kept one if its versions are those of now, and else what `read` gives. Raises
    `ForbiddenProblem`, and what `read` raises.
    """
    if look.versions is None:
        return await _show_anew(database, identity, look, read, at=at)
    key = (identity.instance_id, look.action, *look.place.values())
    kept = bodies.get(key)
    if kept is None or not await _seen_again(database, identity, look, kept, at=at):
        kept = await _show_anew(database, identity, look, read, at=at, known=kept)
        bodies.keep(key, kept)
    return kept


async def _show_anew(
    database: Database, identity: Identity, look: Look, read: Read, *, at: datetime, known: Kept | None = None
) -> Kept:
    # Of one moment: a body and versions of different ones would go on contradicting each other.
    async with database.writing(identity.instance_id, one_picture=True) as db:
        await permit(db, identity, Action.SEE_SESSIONS)
        versions = await _versions_now(db, look)
        kept = known if known and known.versions == versions else await read(db, versions)
        await record_access_to(
            db,
            TRAIL,
            patient_ids=kept.patient_ids,
            at=at,
            user_id=identity.user_id,
            action=look.action,
            subject=look.subject,
        )
    return kept


async def _versions_now(db: Transaction, look: Look) -> Versions:
    if look.versions is None:
        return {}
    found = await db.execute(look.versions, {**look.place, "of_instance": db.instance_id})
    row = found.mappings().one_or_none()
    return {str(name): value for name, value in row.items()} if row else {}


async def _seen_again(
    database: Database, identity: Identity, look: Look, kept: Kept, *, at: datetime
) -> bool:
    """Write the trail if the caller may see sessions and nothing has changed, in one round trip."""
    if look.versions is None or database.engine.dialect.name != "postgresql":
        return False
    of_whom: list[UUID | None] = [*kept.patient_ids] or [None]
    values = {
        **look.place,
        **{f"was_{name}": value for name, value in kept.versions.items()},
        "of_instance": identity.instance_id,
        "of_user": identity.user_id,
        "of_action": look.action,
        "of_subject": str(look.subject),
        "of_moment": at,
        "ids": [new_id() for _ in of_whom],
        "patient_ids": of_whom,
    }
    trip = _trail_if_unchanged(look.versions)
    return await trip.rows_written(database, identity.instance_id, values) == len(of_whom)


@lru_cache(maxsize=16)
def _trail_if_unchanged(versions: Select[Any]) -> SingleTrip:
    now = versions.subquery("now")
    same = exists(
        select(literal(1)).where(
            *(one.is_not_distinct_from(bindparam(f"was_{one.name}", type_=one.type)) for one in now.c)
        )
    )
    ids, patient_ids = (bindparam(name, type_=ARRAY(Uuid())) for name in ("ids", "patient_ids"))
    rows = func.unnest(ids, patient_ids).table_valued(column("id", Uuid()), column("patient_id", Uuid()))
    new = rows.render_derived(name="new")
    entry: dict[str, ColumnElement[Any]] = {
        "id": new.c.id,
        "instance_id": OF_INSTANCE,
        "at": bindparam("of_moment", type_=UtcDateTime()),
        "user_id": bindparam("of_user", type_=Uuid()),
        "action": bindparam("of_action", type_=String()),
        "subject": bindparam("of_subject", type_=String()),
        "patient_id": new.c.patient_id,
        "outcome": literal(Outcome.ALLOWED.value),
    }
    named = [value.label(name) for name, value in entry.items()]
    return SingleTrip(TRAIL, select(*named).where(_may(Action.SEE_SESSIONS), same))


def _may(action: Action) -> ColumnElement[bool]:
    """What `permit` says, in PostgreSQL's words."""
    grant, access = PERMISSIONS[action], STAFF_ACCESS.c
    mine = (access.user_id == bindparam("of_user", type_=Uuid())) & (access.instance_id == OF_INSTANCE)
    one_of = or_(_has_any(access.roles, grant.roles), _has_any(access.features, grant.features))
    return exists(select(literal(1)).where(mine, access.active, one_of))


def _has_any(names: ColumnElement[Any], wanted: frozenset[Any]) -> ColumnElement[bool]:
    return names.bool_op("?|")(literal(sorted(wanted), ARRAY(String())))


_NOTHING, _BETWEEN = (literal_column(text, String()) for text in ("''", "':'"))


def one_text(*parts: ColumnElement[Any]) -> ColumnElement[str]:
    """Put ids and numbers into one text, to be compared."""
    whole: ColumnElement[Any] = _NOTHING
    for part in parts:
        whole = whole.concat(func.coalesce(cast(part, String()), _NOTHING)).concat(_BETWEEN)
    return whole


def one_text_of_all(texts: Select[Any]) -> ColumnElement[Any]:
    """Put a text of each row into one, in the order of the rows; another order would only cost a reading."""
    each = texts.subquery()
    # Not as a text: that would be a parameter which is put in anew at each execution.
    whole = func.aggregate_strings(each.c.text, _BETWEEN)  # type: ignore[arg-type]
    return select(whole).scalar_subquery()
