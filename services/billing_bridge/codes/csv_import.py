"""The catalogue as CSV: each line becomes an entry, or a fault that names its line and column."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from pydantic import ValidationError

from services.billing_bridge.codes.domain import CodeEntry
from services.billing_bridge.codes.schemas import CodeFacts
from shared.identifiers import new_id

COLUMNS: Final = (
    "kind", "code", "description", "effective_on", "ends_on", "mode", "place_of_service", "modifiers",
    "unit_by", "minutes_per_unit", "minutes_to_round_up", "minimum_minutes", "maximum_units",
    "smallest_group", "largest_group", "bands",
)  # fmt: skip
NEEDED: Final = ("kind", "code", "description", "effective_on")
OF_UNITS: Final = {
    "unit_by": "by",
    "minutes_per_unit": "minutes_per_unit",
    "minutes_to_round_up": "minutes_to_round_up",
}
LINES_AT_MOST: Final = 10_000

_BAND: Final = re.compile(r"(\d+)-(\d*)((?::[A-Z0-9]{2}(?:\+[A-Z0-9]{2})*)?)")


@dataclass(frozen=True, kw_only=True)
class ReadLine:
    """A line that is right in itself."""

    number: int
    entry: CodeEntry


@dataclass(frozen=True, kw_only=True)
class FaultyLine:
    """What is wrong in a line, where, and what would be right."""

    number: int
    column: str
    fault: str


class _CellError(ValueError):
    def __init__(self, column: str, fault: str) -> None:
        super().__init__(fault)
        self.column = column


def read_lines(content: bytes) -> tuple[list[ReadLine], list[FaultyLine]]:
    """Read a CSV file (RFC 4180, UTF-8, a header first); numbers are those of the file's lines, from 1."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        return [], [FaultyLine(number=number, column="", fault="must be UTF-8")]
    records = _Records(text)
    try:
        return _read(records)
    except csv.Error as error:
        return [], [FaultyLine(number=records.number, column="", fault=f"must be CSV by RFC 4180: {error}")]


class _Records:
    """The records of a file; `number` is the line in which the last one begins, read or faulty."""

    def __init__(self, text: str) -> None:
        self._reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self.number = 1

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> list[str]:
        # A quoted field may hold line ends: the line is where its record begins.
        self.number = self._reader.line_num + 1
        return next(self._reader)


def _read(records: _Records) -> tuple[list[ReadLine], list[FaultyLine]]:
    header = [name.strip() for name in next(records, [])]
    if faults := list(_faults_of_header(header)):
        return [], faults
    lines: list[ReadLine] = []
    faults = []
    seen: dict[tuple[str, str, str], int] = {}
    for cells in records:
        number = records.number
        if not any(cell.strip() for cell in cells):
            continue
        if len(lines) + len(faults) >= LINES_AT_MOST:
            return [], [
                FaultyLine(number=number, column="", fault=f"at most {LINES_AT_MOST} lines are taken")
            ]
        read = _line(header, cells, number)
        if isinstance(read, ReadLine):
            key = (read.entry.kind.value, read.entry.code, read.entry.effective_on.isoformat())
            if key in seen:
                read = [_fault(number, "effective_on", f"line {seen[key]} has this code and day already")]
            else:
                seen[key] = number
                lines.append(read)
        faults += read if isinstance(read, list) else []
    return lines, faults


def _faults_of_header(header: list[str]) -> Iterator[FaultyLine]:
    known = ", ".join(COLUMNS)
    for name in header:
        if name not in COLUMNS:
            yield _fault(1, name, f"no column of this name is known; there are: {known}")
        elif header.count(name) > 1:
            yield _fault(1, name, "this column is there twice")
    for name in NEEDED:
        if name not in header:
            yield _fault(1, name, "this column is needed")


def _line(header: list[str], cells: list[str], number: int) -> ReadLine | list[FaultyLine]:
    if len(cells) != len(header):
        return [_fault(number, "", f"must have {len(header)} fields as the header has, and has {len(cells)}")]
    said = {name: value for name, cell in zip(header, cells, strict=True) if (value := cell.strip())}
    try:
        facts = CodeFacts.model_validate(_facts(said))
    except _CellError as error:
        return [_fault(number, error.column, str(error))]
    except ValidationError as error:
        return [_fault(number, _column(one["loc"]), one["msg"]) for one in error.errors()]
    return ReadLine(number=number, entry=facts.as_entry(code_id=new_id(), version=1))


def _facts(said: Mapping[str, str]) -> dict[str, Any]:
    facts: dict[str, Any] = {name: value for name, value in said.items() if name not in OF_UNITS}
    if units := {field: said[name] for name, field in OF_UNITS.items() if name in said}:
        facts["units"] = units
    if "modifiers" in said:
        facts["modifiers"] = said["modifiers"].split()
    if "bands" in said:
        facts["bands"] = [_band(text) for text in said["bands"].split()]
    return facts


def _band(text: str) -> dict[str, Any]:
    found = _BAND.fullmatch(text)
    if found is None:
        message = "must be bands such as 2-6 7-12:HQ or 13-:HQ+TT, with a space between two"
        raise _CellError("bands", message)
    smallest, largest, modifiers = found.groups()
    return {
        "smallest": smallest,
        "largest": largest or None,
        "modifiers": modifiers[1:].split("+") if modifiers else [],
    }


def _column(location: tuple[str | int, ...]) -> str:
    if location[:1] == ("units",):
        return next((name for name, field in OF_UNITS.items() if location[1:2] == (field,)), "unit_by")
    return str(location[0]) if location else ""


def _fault(number: int, column: str, fault: str) -> FaultyLine:
    return FaultyLine(number=number, column=column, fault=fault)
