"""What a tab of the charts is, and in which chart it is to be seen. Plain Python."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final
from uuid import UUID

from shared.events.settings import InstanceSettingsChanged

FIRST_NAME: Final = "Group Sessions"
"""What the tab is called until somebody renames it (TAB-2)."""
LAST_POSITION: Final = 1_000_000
"""The highest place in the order of tabs."""


class TabKind(StrEnum):
    """What a tab shows."""

    GROUP_SESSIONS = "group_sessions"
    """The notes of group sessions; one tab at most (TAB-3)."""
    STANDARD = "standard"
    """What another system keeps; here it has only its place among the others."""


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One tab of every chart of an instance."""

    id: UUID
    name: str
    kind: TabKind
    enabled: bool
    order: int
    location_ids: tuple[UUID, ...]
    """Whose patients have it; empty: those of all locations."""
    version: int

    def is_at(self, location_id: UUID | None) -> bool:
        """Tell whether patients of a location have it; of one that is not known, they do."""
        return not self.location_ids or location_id is None or location_id in self.location_ids


def is_switched_on(known: InstanceSettingsChanged | None, changes: Iterable[InstanceSettingsChanged]) -> bool:
    """Tell whether changes switch Group Sessions on, in the order of their versions (TAB-1).

    A version that comes late says nothing anymore.
    """
    newer = sorted(
        (one for one in changes if known is None or one.version > known.version),
        key=lambda one: one.version,
    )
    switch = [known is not None and known.use_group_sessions, *(one.use_group_sessions for one in newer)]
    return any(after and not before for before, after in pairwise(switch))
