"""The catalogue as rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.billing_bridge.codes.domain import Catalogue, CodeEntry, GroupBand
from services.billing_bridge.models import billing_code, billing_code_version
from shared.database.bulk import insert_new
from shared.database.dialects import take_turns
from shared.database.transactions import Transaction
from shared.events.record import CodeKind, UnitRule

FACTS: Final = (
    "kind", "code", "description", "effective_on", "ends_on", "mode", "place_of_service", "modifiers",
    "units", "minimum_minutes", "maximum_units", "smallest_group", "largest_group", "bands",
)  # fmt: skip
"""What a person says of a code, as columns and as the API has them."""


async def catalogues_of(db: AsyncConnection, instance_ids: Collection[UUID]) -> dict[UUID, Catalogue]:
    """Give the catalogue of each instance that has one."""
    rows = (await db.execute(select(billing_code).where(billing_code.c.instance_id.in_(instance_ids)))).all()
    found: dict[UUID, dict[tuple[CodeKind, str], list[CodeEntry]]] = {}
    for row in rows:
        entry = entry_of(row)
        found.setdefault(row.instance_id, {}).setdefault((entry.kind, entry.code), []).append(entry)
    return dict(found)


async def whole_catalogue(db: Transaction) -> list[CodeEntry]:
    """Give every entry of this instance, which nobody else changes until the commit."""
    # Two that add different periods of one code would not see each other's rows.
    await take_turns(db.connection, [db.instance_id])
    return [entry_of(row) for row in await db.all(db.rows_of(billing_code))]


def entry_of(row: Row[Any]) -> CodeEntry:
    """Read an entry from its row."""
    return CodeEntry(
        code_id=row.id,
        version=row.version,
        kind=CodeKind(row.kind),
        code=row.code,
        description=row.description,
        effective_on=row.effective_on,
        ends_on=row.ends_on,
        mode=row.mode,
        place_of_service=row.place_of_service,
        modifiers=None if row.modifiers is None else tuple(row.modifiers),
        units=None if row.units is None else UnitRule.model_validate(row.units),
        minimum_minutes=row.minimum_minutes,
        maximum_units=row.maximum_units,
        smallest_group=row.smallest_group,
        largest_group=row.largest_group,
        bands=tuple(GroupBand(**band | {"modifiers": tuple(band["modifiers"])}) for band in row.bands),
    )


def facts_of(entry: CodeEntry) -> dict[str, Any]:
    """Give what a person says of a code, as columns take it."""
    return {name: getattr(entry, name) for name in FACTS} | {
        "kind": entry.kind.value,
        "modifiers": None if entry.modifiers is None else list(entry.modifiers),
        "units": entry.units.model_dump() if entry.units else None,
        "bands": [asdict(band) | {"modifiers": list(band.modifiers)} for band in entry.bands],
    }


async def put_entries(db: Transaction, entries: Sequence[CodeEntry], *, at: datetime, user_id: UUID) -> None:
    """Write entries, new ones and new versions of those there are, and into their history."""
    rows = [{"id": one.code_id, "version": one.version, **facts_of(one)} for one in entries]
    added = [{**row, "instance_id": db.instance_id} for row in rows if row["version"] == 1]
    await insert_new(db.connection, billing_code, added)
    changed = [{f"new_{name}": value for name, value in row.items()} for row in rows if row["version"] > 1]
    if changed:
        values = {
            name: bindparam(f"new_{name}", type_=billing_code.c[name].type) for name in ("version", *FACTS)
        }
        mine = (billing_code.c.instance_id == db.instance_id, billing_code.c.id == bindparam("new_id"))
        await db.execute(update(billing_code).where(*mine).values(values), changed)
    history = [_version(row, db.instance_id, at, user_id) for row in rows]
    await insert_new(db.connection, billing_code_version, history)


def _version(row: Mapping[str, Any], instance_id: UUID, at: datetime, user_id: UUID) -> dict[str, Any]:
    days = {name: day.isoformat() if (day := row[name]) else None for name in ("effective_on", "ends_on")}
    return {
        "code_id": row["id"],
        "version": row["version"],
        "instance_id": instance_id,
        "at": at,
        "user_id": user_id,
        "facts": {name: row[name] for name in FACTS} | days,
    }
