"""Names on paper that lies on a table: first name and last initial, never more (PRINT-1)."""

from collections import Counter
from collections.abc import Iterator, Sequence
from unicodedata import combining

from services.sessions.directory.domain import Patient


def short_names(patients: Sequence[Patient], *, preferred: bool) -> list[str]:
    """Give one short name each; equal ones are numbered, so that they differ and tell no more.

    With `preferred` the preferred name stands in place of the first name, where there is one (SET-5).
    """
    names = [_short(patient, preferred=preferred) for patient in patients]
    return list(_numbered(names))


def _short(patient: Patient, *, preferred: bool) -> str:
    first = (patient.preferred_name if preferred else None) or patient.first_name
    return (
        f"{first} {patient.last_name[:1].upper()}." if _hides_more_than_it_shows(patient.last_name) else first
    )


def _hides_more_than_it_shows(last_name: str) -> bool:
    # Of a family name of one character, as most Chinese and Korean ones are, the initial is all there is.
    return sum(not combining(letter) for letter in last_name) > 1


def _numbered(names: Sequence[str]) -> Iterator[str]:
    total, seen = Counter(names), Counter[str]()
    for name in names:
        seen[name] += 1
        yield f"{name} ({seen[name]})" if total[name] > 1 else name
