"""Where two documents differ, part by part. Plain Python."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One part that is not what was signed."""

    pointer: str
    """Into the document; an entry of the roster is named by its patient's id, as in refusals."""
    signed: Any
    """None where there was nothing."""
    stored: Any


def differences(
    signed: Mapping[str, Any], stored: Mapping[str, Any], *, at: str = "#"
) -> Iterator[Difference]:
    """Name every part in which a stored document is not the one that was signed (SIGN-4)."""
    for name in sorted(signed.keys() | stored.keys()):
        before, after = signed.get(name), stored.get(name)
        if name == "roster":
            yield from _of_rosters(_by_patient(before), _by_patient(after), at=f"{at}/roster")
        elif before != after:
            yield Difference(pointer=f"{at}/{name}", signed=before, stored=after)


def _of_rosters(signed: Mapping[str, Any], stored: Mapping[str, Any], *, at: str) -> Iterator[Difference]:
    for patient_id in sorted(signed.keys() | stored.keys()):
        before, after = signed.get(patient_id), stored.get(patient_id)
        if before is None or after is None:
            yield Difference(pointer=f"{at}/{patient_id}", signed=before, stored=after)
        else:
            yield from differences(before, after, at=f"{at}/{patient_id}")


def _by_patient(roster: Any) -> dict[str, Any]:
    return {entry["patient_id"]: entry for entry in roster}
