"""The page on security names tests that exist, and every requirement once."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/security.md").read_text()
SHOWN_BY = sorted(set(re.findall(r"`((?:unit|integration|end_to_end)/[\w/]+\.py(?:::\w+)?)`", PAGE)))

# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has that begins with them.
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2,
    "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3,
    "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3,
    "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3,
    "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2,
    "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1,
    "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, kinds))


@pytest.mark.parametrize("shown_by", SHOWN_BY)
def test_what_the_page_names_exists(shown_by: str) -> None:
    path, _, name = shown_by.partition("::")
    assert (not name and names_in(path)) or name in names_in(path)


def requirements() -> list[str]:
    found = []
    for row in re.findall(r"^\| (V[^|]+) \|", PAGE, re.MULTILINE):
        for section, first, last in re.findall(r"V(\d+\.\d+)\.(\d+)(?:\u2013(\d+))?", row):
            found += [f"{section}.{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def test_every_requirement_of_both_levels_is_in_one_row() -> None:
    all_of_them = [f"{section}.{n}" for section, count in SECTIONS.items() for n in range(1, count + 1)]
    assert Counter(requirements()) == Counter(all_of_them)
    assert f"All {len(all_of_them)} requirements" in PAGE


@pytest.mark.parametrize("row", [line for line in PAGE.splitlines() if re.match(r"\| (V\d|\(|API\d)", line)])
def test_every_row_is_shown_or_says_why_not(row: str) -> None:
    assert re.search(r"::\w+`|`(?:unit|end_to_end)/[\w/]+\.py`|\*\*(?:Not met|No test|not apply)\*\*", row)
