"""What a signer should know before signing, each with where it is and what would be right. Plain Python."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import rfc8785

from services.sessions.documentation.near_equal import AlikePair


class FindingKind(StrEnum):
    """What a finding is about."""

    ATTENDANCE_UNMARKED = "attendance_unmarked"
    TOPIC_MISSING = "topic_missing"
    NOTE_MISSING = "note_missing"
    TIMES_NOT_RIGHT = "times_not_right"
    ROSTER_EMPTY = "roster_empty"
    NAMES_ANOTHER_PATIENT = "names_another_patient"
    NOTES_ALIKE = "notes_alike"
    WOULD_BE_HELD = "would_be_held"
    PREVIEW_UNAVAILABLE = "preview_unavailable"


class Asks(StrEnum):
    """What a finding asks of the signer."""

    A_CHANGE = "a change"
    """It blocks: nobody signs while it is there."""
    AN_ACKNOWLEDGEMENT = "an acknowledgement"
    """Change what it was found in, or say that it was seen."""
    NOTHING = "nothing"


ASKS: Final[Mapping[FindingKind, Asks]] = {
    FindingKind.ATTENDANCE_UNMARKED: Asks.A_CHANGE,
    FindingKind.TOPIC_MISSING: Asks.A_CHANGE,
    FindingKind.NOTE_MISSING: Asks.A_CHANGE,
    FindingKind.TIMES_NOT_RIGHT: Asks.A_CHANGE,
    FindingKind.ROSTER_EMPTY: Asks.A_CHANGE,
    FindingKind.NAMES_ANOTHER_PATIENT: Asks.AN_ACKNOWLEDGEMENT,
    FindingKind.NOTES_ALIKE: Asks.AN_ACKNOWLEDGEMENT,
    FindingKind.WOULD_BE_HELD: Asks.AN_ACKNOWLEDGEMENT,
    FindingKind.PREVIEW_UNAVAILABLE: Asks.NOTHING,
}

ID_CHARACTERS: Final = 32


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding. It holds no name and no text, so that it can be shown, stored and sent in a refusal."""

    id: str
    """Made from what it was found in: with another text it is another one, which nobody has acknowledged."""
    kind: FindingKind
    pointers: tuple[str, ...]
    detail: str
    patient_ids: tuple[UUID, ...] = ()
    """Whom it speaks of."""
    pairs: tuple[AlikePair, ...] = ()

    @property
    def blocking(self) -> bool:
        """Whether nobody can sign while it is there."""
        return ASKS[self.kind] is Asks.A_CHANGE

    @property
    def needs_acknowledgement(self) -> bool:
        """Whether a signer has to name its id."""
        return ASKS[self.kind] is Asks.AN_ACKNOWLEDGEMENT


def new_finding(
    kind: FindingKind,
    pointers: Iterable[str],
    detail: str,
    *,
    documentation_id: UUID | None,
    found_in: Any = None,
    patient_ids: Iterable[UUID] = (),
    pairs: Iterable[AlikePair] = (),
) -> Finding:
    """Make a finding whose id changes with `found_in`, which is JSON.

    The documentation's id goes in too: equal notes of two sessions can't be told by equal ids.
    """
    places, named = tuple(pointers), tuple(patient_ids)
    content = [str(documentation_id), kind.value, list(places), [str(one) for one in named], found_in]
    return Finding(
        id=sha256(rfc8785.dumps(content)).hexdigest()[:ID_CHARACTERS],
        kind=kind,
        pointers=places,
        detail=detail,
        patient_ids=named,
        pairs=tuple(pairs),
    )
