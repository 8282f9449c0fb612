"""`python -m tests.checks.crash_points` writes docs/crash-points.md from the table in code."""

from pathlib import Path
from typing import Final

from shared.failpoints import CRASH_POINTS

PAGE: Final = Path(__file__).parents[2] / "docs" / "crash-points.md"
HEAD: Final = """\
# Where a process may die, and what is true then

A session is signed, told to charts, billing and printing, and their receipts close what was owed. Between any
two commits or sends on that way a process may be killed. This table has all those places. It is made from
`shared/failpoints.py` by `python -m tests.checks.crash_points`; each name stands in the code where a process
may die. `tests/end_to_end/test_crash_points.py` kills one at each of them and looks at what is left: one note
a patient and session, one charge, one file, nothing open.

| point | the process dies between | what is true then | who repairs it |
|---|---|---|---|
"""


def page() -> str:
    rows = (
        f"| `{name}` | {point.between} | {point.afterwards} | {point.repaired_by} |\n"
        for name, point in CRASH_POINTS.items()
    )
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page())
