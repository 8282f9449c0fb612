"""Names on paper that lies on a table: first name and last initial, never more (PRINT-1)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from unicodedata import category, combining, normalize

from services.sessions.directory.domain import Patient


def short_names(patients: Sequence[Patient], *, preferred: bool) -> list[str]:
    """Give one short name each; equal ones are numbered, so that they differ and tell no more.

    With `preferred` the preferred name stands in place of the first name, where there is one (SET-5).
    """
    names = [_short(patient, preferred=preferred) for patient in patients]
    return list(_numbered(names))


def _short(patient: Patient, *, preferred: bool) -> str:
    first = _tidy((patient.preferred_name if preferred else None) or patient.first_name)
    last = _tidy(patient.last_name)
    return f"{first} {last[:1].upper()}." if _hides_more_than_it_shows(last) else first


def _tidy(name: str) -> str:
    """Compose letters with their marks, so that an initial is whole, and leave one space between words."""
    return " ".join(normalize("NFC", name).split())


def _hides_more_than_it_shows(last_name: str) -> bool:
    # Of a family name of one character, as most Chinese and Korean ones are, the initial is all there is.
    return sum(not combining(letter) for letter in last_name) > 1


def _numbered(names: Sequence[str]) -> Iterator[str]:
    looks = [_look(name) for name in names]
    total, seen = Counter(looks), Counter[str]()
    for name, look in zip(names, looks, strict=True):
        seen[look] += 1
        yield f"{name} ({seen[look]})" if total[look] > 1 else name


def _look(name: str) -> str:
    """Give what of a name is seen on paper: without joiners and other letters that have no width."""
    return _tidy("".join(letter for letter in name if category(letter) != "Cf"))
