"""Names, MRNs and ids of other patients of the roster in a text (DIST-3): one pass over each text.

A name is a short sequence of elements (`folding`), so that `O'Brien`, `Smith-Jones`, `Mary Ann` and names in
Han are all found by one look-up, and 200 notes against 200 patients take as long as reading the notes.

What a clinician knows and this does not: inflected names, nicknames that are not on file, and a word that
only happens to be a name (`Will`, `Hope`). Hence a flag that is changed or acknowledged, and no refusal.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final
from uuid import UUID

from services.sessions.directory.domain import Patient
from services.sessions.documentation.folding import (
    ELEMENT,
    WITHIN_A_NAME,
    elements,
    fold,
    foldings,
    readings,
    stands_alone,
    words_of,
)

Pattern = tuple[str, ...]

MRN_CHARACTERS_AT_LEAST: Final = 4
"""A shorter number stands in any text as a count or a time."""

LETTERS_BEFORE_S_AT_LEAST: Final = 4
"""With fewer, `does` and `days` would be of Doe and Day."""

_PARTICLES: Final = frozenset(
    {
        "abu",
        "al",
        "bin",
        "bint",
        "da",
        "das",
        "de",
        "del",
        "della",
        "den",
        "der",
        "di",
        "do",
        "dos",
        "du",
        "el",
    }
    | {
        "ibn",
        "la",
        "las",
        "le",
        "los",
        "of",
        "san",
        "st",
        "ten",
        "ter",
        "the",
        "van",
        "von",
        "y",
        "zu",
        "zur",
    }
)
"""Words of a longer name that name nobody by themselves."""

_HONORIFICS: Final = tuple(map(elements, ("先生", "女士", "小姐", "さん", "様", "氏", "씨", "님")))
"""A family name of one character is a name before one of these; alone it is a word like any other."""


class RosterNames:
    """All names of one roster, to be looked for in any number of texts."""

    def __init__(self, patients: Iterable[Patient]) -> None:
        self._of_patient = {one.id: frozenset(_patterns_of(one)) for one in patients}
        self._whose: dict[Pattern, set[UUID]] = defaultdict(set)
        for patient_id, patterns in self._of_patient.items():
            for pattern in patterns:
                self._whose[pattern].add(patient_id)
        self._by_first: dict[str, list[Pattern]] = defaultdict(list)
        for pattern in self._whose:
            self._by_first[pattern[0]].append(pattern)

    def named_in(self, text: str, *, about: UUID | None = None) -> frozenset[UUID]:
        """Give the patients whom a text names, other than the one it is about.

        A name that the patient of an individual note shares with another (both are Anna) is that patient's
        own there: who reads that chart learns of nobody else. `Anna K.` in the note about Anna Novak is not
        her own, and in a text for all, a shared name is that of each who has it.
        """
        own = self._of_patient[about] if about else frozenset()
        found = {pattern for folded in foldings(text) for pattern in self._patterns_in(folded)} - own
        return frozenset(one for pattern in found for one in self._whose[pattern]) - {about}

    def _patterns_in(self, folded: str) -> Iterator[Pattern]:
        words = list(ELEMENT.finditer(folded))
        for place, word in enumerate(words):
            for reading in self._readings(word[0]):
                for pattern in self._by_first.get(reading, ()):
                    if len(pattern) == 1 or _continues(pattern, words[place : place + len(pattern)]):
                        yield pattern

    def _readings(self, word: str) -> Iterator[str]:
        yield from readings(word)
        # `Kovacs` is of Kovac, unless somebody has that name.
        if word.endswith("s") and len(word) > LETTERS_BEFORE_S_AT_LEAST and word not in self._by_first:
            yield word[:-1]


def _continues(pattern: Pattern, words: Sequence[re.Match[str]]) -> bool:
    if tuple(word[0] for word in words[1:]) != pattern[1:]:
        return False
    return all(
        WITHIN_A_NAME.fullmatch(one.string, one.end(), after.start()) for one, after in pairwise(words)
    )


def _patterns_of(patient: Patient) -> Iterator[Pattern]:
    last = elements(fold(patient.last_name))
    yield from _patterns_of_name(patient.last_name)
    for given in filter(None, (patient.first_name, patient.preferred_name)):
        yield from _patterns_of_name(given)
        first = elements(fold(given))
        if first and last:
            # Two names of one letter are a name together; `Anna K.` says which of two Annas is meant.
            yield from ((*first, *last), (*last, *first), (*first, last[0][0]))
    if _is_one_letter(last) and stands_alone(last[0]):
        yield from ((*last, *honorific) for honorific in _HONORIFICS)
    if len(patient.mrn) >= MRN_CHARACTERS_AT_LEAST:
        yield from _whole(patient.mrn)
    yield from _whole(str(patient.id))


def _patterns_of_name(name: str) -> Iterator[Pattern]:
    """Give a name as a whole and, of one of several words, each that names somebody by itself."""
    yield from _whole(name)
    words = words_of(name)
    for word in words if len(words) > 1 else ():
        if fold(word) not in _PARTICLES:
            yield from _whole(word)


def _whole(name: str) -> Iterator[Pattern]:
    # One letter is an article, a list's number or an initial before it is a name.
    pattern = elements(fold(name))
    if pattern and not _is_one_letter(pattern):
        yield pattern
        if len(pattern) > 1 and not any(stands_alone(one) for one in pattern):
            yield ("".join(pattern),)


def _is_one_letter(pattern: Pattern) -> bool:
    return len(pattern) == 1 and len(pattern[0]) == 1
