"""Individual notes of one session that are the same or nearly so (DOC-8). Plain Python."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from rapidfuzz import fuzz, process

NEARLY_EQUAL_PERCENT: Final = 90.0
"""rapidfuzz's `ratio`: two notes of 400 characters that are so alike have 360 in common, in this order."""

SHORT_CHARACTERS: Final = 40
"""Two shorter notes have to be the same: `Calm, engaged.` and `Calm, enraged.` are no copies."""

COMPARED_CHARACTERS: Final = 2_000
"""How much of a longer note is compared: comparing takes the square of the length."""


@dataclass(frozen=True, kw_only=True, order=True)
class AlikePair:
    """Two patients whose notes are alike; the smaller id comes first."""

    one: UUID
    other: UUID
    percent: int


def alike_pairs(notes: Mapping[UUID, str]) -> list[AlikePair]:
    """Give every pair of notes that are the same or nearly so, whatever their order."""
    plain = {patient_id: _plain(text) for patient_id, text in sorted(notes.items())}
    by_text: dict[str, list[UUID]] = {}
    for patient_id, text in plain.items():
        if text:
            by_text.setdefault(text, []).append(patient_id)
    pairs = [*_of_equal_texts(by_text.values()), *_of_near_texts(by_text)]
    return sorted(pairs)


def groups_of(pairs: Sequence[AlikePair]) -> list[frozenset[UUID]]:
    """Give the patients that pairs hold together: one is alike to the next."""
    group_of: dict[UUID, set[UUID]] = {}
    for pair in pairs:
        smaller, larger = sorted((group_of.get(one, {one}) for one in (pair.one, pair.other)), key=len)
        if smaller is not larger:
            larger |= smaller
            group_of |= dict.fromkeys(smaller, larger) | {pair.one: larger, pair.other: larger}
    return sorted({frozenset(group) for group in group_of.values()}, key=min)


def _plain(text: str) -> str:
    """Give a note without what copying changes: case, spaces, the form of Unicode."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _of_equal_texts(groups: Iterable[Sequence[UUID]]) -> Iterator[AlikePair]:
    for group in groups:
        for place, one in enumerate(group):
            yield from (AlikePair(one=one, other=other, percent=100) for other in group[place + 1 :])


def _of_near_texts(by_text: Mapping[str, list[UUID]]) -> Iterator[AlikePair]:
    long = [text for text in by_text if len(text) >= SHORT_CHARACTERS]
    beginnings = [text[:COMPARED_CHARACTERS] for text in long]
    for place, text in enumerate(long):
        near = process.extract(
            beginnings[place],
            beginnings[place + 1 :],
            scorer=fuzz.ratio,
            score_cutoff=NEARLY_EQUAL_PERCENT,
            limit=None,
        )
        for _, score, further in near:
            alike = by_text[long[place + 1 + further]]
            yield from (_pair(one, other, score) for one in by_text[text] for other in alike)


def _pair(one: UUID, other: UUID, score: float) -> AlikePair:
    # Not the same texts: never a full 100.
    return AlikePair(one=min(one, other), other=max(one, other), percent=min(int(score), 99))
