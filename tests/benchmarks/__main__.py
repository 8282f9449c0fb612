"""`make bench`: every benchmark, and one table at the end. `python -m tests.benchmarks embedded` runs one."""

import sys
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from shared.observability.logs import configure_logging
from tests.benchmarks.rows import Row

BENCHMARKS = (
    "embedded",
    "notes",
    "pages",
    "relay",
    "reading",
    "pushes",
    "hl7_messages",
    "sheets",
    "footprint",
)


def main(wanted: list[str]) -> None:
    unknown = set(wanted) - set(BENCHMARKS)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    # A line for each parcel would hide the table.
    configure_logging(service="bench", level="WARNING")
    console = Console(width=None if sys.stdout.isatty() else 150)
    rows: list[Row] = []
    for name in wanted or BENCHMARKS:
        console.print(f"measuring {name} ({Path(__file__).parent.name}/{name}.py)", highlight=False)
        rows += import_module(f"tests.benchmarks.{name}").run()
    console.print(_table(rows))


def _table(rows: list[Row]) -> Table:
    table = Table(title="Ours beside a limit or a peer, in the same run", title_justify="left")
    for heading in ("what", "unit", "ours", "limit or peer", "ratio", "to reach", ""):
        table.add_column(heading, justify="left" if heading == "what" else "right")
    for row in rows:
        reached = "" if not row["reach"] else "yes" if row["ratio"] >= row["reach"] else "not yet"
        numbers = (f"{row['ours']:,.2f}", f"{row['peer']:,.2f}", f"{row['ratio']:.2f}", f"{row['reach']:.2f}")
        table.add_row(row["name"], row["unit"], *numbers, reached)
    return table


if __name__ == "__main__":
    main(sys.argv[1:])
