"""What a check says."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

NETWORK_SECONDS: Final = 5.0
"""How long a check waits for another machine."""


class State(StrEnum):
    """How it stands."""

    GOOD = "good"
    WARNING = "warning"
    BROKEN = "broken"
    NOT_LOOKED_AT = "not looked at"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that an operator can get wrong, and how it stands."""

    check: str
    """Its name, which never changes: `migrations.charts`."""
    state: State = State.GOOD
    says: str
    mend: str = field(default="")
    """What is to be done, where something is."""


def broken(check: str, says: str, mend: str) -> Finding:
    """Say that it must be mended."""
    return Finding(check=check, state=State.BROKEN, says=says, mend=mend)


def warning(check: str, says: str, mend: str) -> Finding:
    """Say that it works, and soon may not."""
    return Finding(check=check, state=State.WARNING, says=says, mend=mend)


def not_looked_at(check: str, says: str, mend: str = "") -> Finding:
    """Say why it can't be seen from here."""
    return Finding(check=check, state=State.NOT_LOOKED_AT, says=says, mend=mend)
