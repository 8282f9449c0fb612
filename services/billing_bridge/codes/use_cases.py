"""What billers do with codes: look, add, change and import; never one rule for a day that has another."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from services.billing_bridge.codes.csv_import import FaultyLine, ReadLine, read_lines
from services.billing_bridge.codes.domain import CodeEntry, overlapping
from services.billing_bridge.codes.repository import FACTS, put_entries, whole_catalogue
from services.billing_bridge.codes.schemas import CodeFacts
from services.billing_bridge.models import billing_code
from services.billing_bridge.use_cases import Deed, as_biller
from shared.database.transactions import Database, Transaction
from shared.identifiers import new_id
from shared.web.bodies import etag_of
from shared.web.cursors import Page, past
from shared.web.preconditions import require_match
from shared.web.problems import ConflictProblem, InvalidProblem, NotFoundProblem

ERRORS_AT_MOST: Final = 200


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import did."""

    added: int
    changed: int
    unchanged: int


async def code_page(database: Database, deed: Deed, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """List the catalogue, by kind and code."""
    async with as_biller(database, deed, subject=deed.identity.instance_id) as db:
        keys = (billing_code.c.kind, billing_code.c.code, billing_code.c.id)
        statement = _shown(db).order_by(*keys).limit(limit + 1)
        if cursor:
            statement = statement.where(past(cursor, keys))
        rows = await db.records(statement)
    return Page.of(rows, limit=limit, keys=("kind", "code", "id")).body()


async def one_code(database: Database, deed: Deed, code_id: UUID) -> dict[str, Any]:
    """Give one entry; raises `NotFoundProblem`."""
    async with as_biller(database, deed, subject=code_id) as db:
        found = await db.records(_shown(db).where(billing_code.c.id == code_id))
        if not found:
            raise NotFoundProblem("There is no such code.")
    return found[0]


async def add_code(database: Database, deed: Deed, facts: CodeFacts) -> UUID:
    """Add a code for a period; raises `ConflictProblem` where another period of it shares a day."""
    entry = facts.as_entry(code_id=new_id(), version=1)
    async with as_biller(database, deed, subject=entry.code_id) as db:
        _refuse_overlaps([*await whole_catalogue(db), entry])
        await _put(db, deed, [entry])
    return entry.code_id


async def change_code(
    database: Database, deed: Deed, code_id: UUID, facts: CodeFacts, *, if_match: str | None
) -> None:
    """Replace an entry over the version that was read. Charges that were made stay as they are."""
    async with as_biller(database, deed, subject=code_id) as db:
        others = {one.code_id: one for one in await whole_catalogue(db)}
        before = others.pop(code_id, None)
        if before is None:
            raise NotFoundProblem("There is no such code.")
        require_match(if_match, etag_of(before.version))
        entry = facts.as_entry(code_id=code_id, version=before.version + 1)
        if (entry.kind, entry.code) != (before.kind, before.code):
            raise ConflictProblem("An entry stays of its kind and code: end this one, and add the other.")
        _refuse_overlaps([*others.values(), entry])
        await _put(db, deed, [entry])


async def import_codes(database: Database, deed: Deed, content: bytes) -> Imported:
    """Take in a CSV file, all of it or nothing; raises `InvalidProblem` naming each fault's line and column.

    A line is the entry of its kind, code and first day: it is added, changed, or as it was already.
    """
    lines, faults = read_lines(content)
    async with as_biller(database, deed, subject=deed.identity.instance_id) as db:
        if faults:
            raise _faulty(faults)
        known = {_key(one): one for one in await whole_catalogue(db)}
        entries = [(line, _over(known.get(_key(line.entry)), line.entry)) for line in lines]
        after = known | {_key(entry): entry for _, entry in entries}
        if faults := _overlapping_lines(list(after.values()), lines):
            raise _faulty(faults)
        new = [entry for _, entry in entries if known.get(_key(entry)) != entry]
        await _put(db, deed, new)
    added = sum(1 for entry in new if entry.version == 1)
    return Imported(added=added, changed=len(new) - added, unchanged=len(lines) - len(new))


def _shown(db: Transaction) -> Any:
    columns = (billing_code.c.id, billing_code.c.version, *(billing_code.c[name] for name in FACTS))
    return db.rows_of(billing_code, *columns)


async def _put(db: Transaction, deed: Deed, entries: Sequence[CodeEntry]) -> None:
    await put_entries(db, entries, at=deed.at, user_id=deed.identity.user_id)


def _refuse_overlaps(entries: Sequence[CodeEntry]) -> None:
    for earlier, later in overlapping(entries):
        until = earlier.ends_on.isoformat() if earlier.ends_on else "an open end"
        raise ConflictProblem(
            f"{later.code} has two periods that share a day: from {earlier.effective_on} to {until}, and "
            f"from {later.effective_on}. End the earlier one before the later one begins."
        )


def _key(entry: CodeEntry) -> tuple[str, str, str]:
    return entry.kind.value, entry.code, entry.effective_on.isoformat()


def _over(before: CodeEntry | None, entry: CodeEntry) -> CodeEntry:
    if before is None:
        return entry
    same = replace(entry, code_id=before.code_id, version=before.version)
    return same if same == before else replace(same, version=before.version + 1)


def _overlapping_lines(entries: Sequence[CodeEntry], lines: Sequence[ReadLine]) -> list[FaultyLine]:
    number = {_key(line.entry): line.number for line in lines}
    faults = []
    for earlier, later in overlapping(entries):
        at = number.get(_key(later)) or number.get(_key(earlier))
        fault = (
            f"{later.code} from {later.effective_on} shares days with its period from {earlier.effective_on}"
        )
        if at:
            faults.append(FaultyLine(number=at, column="effective_on", fault=f"{fault}: end that one before"))
    return faults


def _faulty(faults: Sequence[FaultyLine]) -> InvalidProblem:
    errors = [
        {"pointer": f"line:{one.number}/{one.column}", "detail": one.fault} for one in faults[:ERRORS_AT_MOST]
    ]
    return InvalidProblem(f"Nothing was imported: {len(faults)} faults; see errors.", errors=errors)
