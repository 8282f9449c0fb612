from datetime import date

import pytest

from services.billing_bridge.codes.csv_import import COLUMNS, read_lines
from services.billing_bridge.codes.domain import GroupBand
from shared.events.record import CodeKind, UnitRule

HEADER = "kind,code,description,effective_on,unit_by,minutes_per_unit,minutes_to_round_up,modifiers,bands\n"
GOOD = "ccode,H0004,Counselling,2026-01-01,time,15,8,HQ TT,2-6 7-12:HQ 13-:HQ+TT\n"


def faults_of(text: str) -> list[tuple[int, str]]:
    return [(one.number, one.column) for one in read_lines(text.encode())[1]]


@pytest.mark.rule("BILL-1", "BILL-9")
def test_a_line_becomes_an_entry() -> None:
    ((line,), faults) = read_lines((HEADER + GOOD).encode())
    assert (faults, line.number) == ([], 2)
    entry = line.entry
    assert (entry.kind, entry.code, entry.effective_on) == (CodeKind.CCODE, "H0004", date(2026, 1, 1))
    assert entry.units == UnitRule(by="time", minutes_per_unit=15, minutes_to_round_up=8)
    assert entry.modifiers == ("HQ", "TT")
    assert entry.bands == (
        GroupBand(smallest=2, largest=6),
        GroupBand(smallest=7, largest=12, modifiers=("HQ",)),
        GroupBand(smallest=13, largest=None, modifiers=("HQ", "TT")),
    )


@pytest.mark.rule("BILL-1")
@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", [(1, "kind"), (1, "code"), (1, "description"), (1, "effective_on")]),
        ("kind,code,description,effective_on,colour\n", [(1, "colour")]),
        (HEADER + GOOD + GOOD, [(3, "effective_on")]),
        (HEADER + GOOD.replace("ccode", "zcode"), [(2, "kind")]),
        (HEADER + GOOD.replace("2026-01-01", "1.1.2026"), [(2, "effective_on")]),
        (HEADER + GOOD.replace("15", "x"), [(2, "minutes_per_unit")]),
        (HEADER + GOOD.replace("2-6", "6 to 2"), [(2, "bands")]),
        (HEADER + GOOD.replace("time", ""), [(2, "unit_by")]),
        (
            HEADER + '\nccode,90853,"Two\nlines",2026-01-01,,,,,\nccode,1,,2026-01-01,,,,,\n',
            [(5, "code"), (5, "description")],
        ),
        (HEADER + "ccode,90853\n", [(2, "")]),
        (HEADER + GOOD + GOOD.replace("H0004", "H0005") + 'ccode,1,"Gro"up,2026-01-01,,,,,\n', [(4, "")]),
    ],
)
def test_each_fault_has_its_line_and_column(text: str, faults: list[tuple[int, str]]) -> None:
    assert faults_of(text) == faults


def test_another_encoding_is_named_with_its_line() -> None:
    (fault,) = read_lines(HEADER.encode() + b"ccode,90853,\xe9,2026-01-01,,,,,\n")[1]
    assert (fault.number, fault.fault) == (2, "must be UTF-8")


def test_every_column_may_be_there() -> None:
    assert read_lines((",".join(COLUMNS) + "\n").encode()) == ([], [])
