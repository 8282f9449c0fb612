"""Rules against tests: the `rule` marker is checked at collection, and `make rules` prints the matrix."""

import contextlib
import functools
import io
import re
import sys
from collections import defaultdict
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

RULES_FILE = "docs/rules.md"
_RULE_LINE = re.compile(r"- (?P<id>[A-Z]+-\d+) (?P<text>.+)")
_NAMES_SHOWN = 3
_Made = pytest.Item | pytest.Collector | list[pytest.Item | pytest.Collector] | None
_WIDTH_WHEN_PIPED = 140


@dataclass(frozen=True, kw_only=True)
class Rule:
    id: str
    section: str
    text: str


@functools.cache
def read_rules(path: Path) -> dict[str, Rule]:
    rules: dict[str, Rule] = {}
    section = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line.removeprefix("## ")
        elif match := _RULE_LINE.fullmatch(line):
            rules[match["id"]] = Rule(id=match["id"], section=section, text=match["text"])
    return rules


def rules_shown_by(item: pytest.Item) -> list[str]:
    return [rule for marker in item.iter_markers("rule") for rule in marker.args]


def faults(item: pytest.Item, known: Mapping[str, Rule]) -> list[str]:
    unnamed = [
        f"{item.name}: the rule marker names no rule" for mark in item.iter_markers("rule") if not mark.args
    ]
    unknown = [f"{item.name}: unknown rule {rule!r}" for rule in rules_shown_by(item) if rule not in known]
    return unnamed + unknown


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, _Made, _Made]:
    """Make a wrong ID a collection error: reported by every run that collects it, under xdist too."""
    made = yield
    nodes = made if isinstance(made, list) else [made]
    marked = [node for node in nodes if isinstance(node, pytest.Item) and node.get_closest_marker("rule")]
    if marked:
        known = read_rules(collector.config.rootpath / RULES_FILE)
        if found := [fault for item in marked for fault in faults(item, known)]:
            raise collector.CollectError("\n".join([*found, f"The rules and their IDs are in {RULES_FILE}."]))
    return made


class _Collected:
    """Remembers, for each rule, the tests that show it."""

    def __init__(self) -> None:
        self.tests: dict[str, list[str]] = defaultdict(list)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        for item in session.items:
            for rule in rules_shown_by(item):
                self.tests[rule].append(item.name.partition("[")[0].removeprefix("test_"))


def shortened(names: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(names))
    more = len(distinct) - _NAMES_SHOWN
    return "\n".join(distinct[:_NAMES_SHOWN] + ([f"and {more} more"] if more > 0 else []))


def section_table(section: str, rules: Iterable[Rule], tests: Mapping[str, Sequence[str]]) -> Table:
    table = Table(title=section, title_justify="left", title_style="bold", expand=True)
    table.add_column("rule", no_wrap=True, width=8)
    table.add_column("promise", ratio=1)
    table.add_column("tests", justify="right", width=5)
    table.add_column("shown by", ratio=1, overflow="fold")
    for rule in rules:
        names = tests.get(rule.id, [])
        table.add_row(rule.id, rule.text, str(len(names)), shortened(names) or "[red]no test[/red]")
    return table


def main() -> int:
    collected = _Collected()
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        outcome = pytest.main(["--collect-only", "-q", "-p", "no:randomly"], plugins=[collected])
    if outcome not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        sys.stderr.write(output.getvalue())
        return int(outcome)

    rules = read_rules(Path(RULES_FILE))
    console = Console(width=None if sys.stdout.isatty() else _WIDTH_WHEN_PIPED)
    for section in dict.fromkeys(rule.section for rule in rules.values()):
        console.print(
            section_table(section, (r for r in rules.values() if r.section == section), collected.tests)
        )
    proven = [rule for rule in rules if collected.tests.get(rule)]
    if gaps := [rule for rule in rules if rule not in proven]:
        console.print(f"no test: {', '.join(gaps)}", highlight=False)
    console.print(f"proven {len(proven)} of {len(rules)}", style="bold", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
