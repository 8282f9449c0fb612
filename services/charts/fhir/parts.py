"""What Composition and DocumentReference of a note share: its people, its encounter, its signatures.

All are contained in the resource that tells of the note: this service keeps no staff and no encounters.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any, Final

from services.charts.domain import NoteStatus
from services.charts.fhir import codes
from services.charts.fhir.narrative import taken, with_credentials
from shared.events.record import Attendance, SignatureMeaning

ENCOUNTER: Final = "encounter"
CONTAINER: Final = {"reference": "#"}
"""The resource that contains the one that says this."""


@dataclass(frozen=True)
class ToldNote:
    """A note as it is served, and what FHIR asks of it."""

    note: Mapping[str, Any]
    version: int
    filed_at: datetime

    @property
    def is_void(self) -> bool:
        """Tell whether it was entered in error."""
        return bool(self.note["status"] == NoteStatus.ENTERED_IN_ERROR)

    @property
    def signed_at(self) -> str:
        """The last signature of the document, as `Documentation.signed_at` has it."""
        signed = [one["signed_at"] for one in self.note["signatures"]]
        return str(max(signed, key=datetime.fromisoformat, default=self.note["ended_at"]))

    @cached_property
    def later_signatures(self) -> list[Mapping[str, Any]]:
        """Those of its annotations."""
        return [one["signature"] for one in self.note["annotations"]]

    @property
    def meta(self) -> dict[str, Any]:
        """Version, last change and security labels."""
        error = self.note["entered_in_error"]
        told = [one["signed_at"] for one in self.later_signatures] + ([error["at"]] if error else [])
        last = max([self.filed_at, *(datetime.fromisoformat(one) for one in told)])
        return {
            "versionId": str(self.version),
            "lastUpdated": last.astimezone(UTC).isoformat(),
            "security": codes.SECURITY_LABELS,
        }

    @property
    def subject(self) -> dict[str, Any]:
        """The patient, by reference and medical record number."""
        patient = self.note["patient"]
        return {
            "reference": f"Patient/{patient['patient_id']}",
            "identifier": {"type": codes.MRN_TYPE, "value": taken(patient["mrn"])},
            "display": taken(patient["printed_name"]),
        }

    @property
    def period(self) -> dict[str, str]:
        """When the session was held."""
        return {"start": self.note["started_at"], "end": self.note["ended_at"]}

    @property
    def authors(self) -> list[dict[str, Any]]:
        """Who wrote it: its leaders."""
        return [self.person(one) for one in self.note["leaders"]]

    @cached_property
    def _people(self) -> dict[tuple[str, bool], str]:
        """An id within this resource for each person."""
        every = chain(self.note["leaders"], self.note["signatures"], self.later_signatures)
        known = dict.fromkeys(map(self._known_by, every))
        return {one: f"practitioner-{number}" for number, one in enumerate(known, start=1)}

    def _known_by(self, person: Mapping[str, Any]) -> tuple[str, bool]:
        """Give name and credentials, and whether it is a reviewer with a leader's.

        Nobody reviews their own documentation (SIGN-3), so that one is somebody else of the same name.
        """
        name = with_credentials(person)
        reviews = person.get("meaning") == SignatureMeaning.REVIEWER
        return name, reviews and name in map(with_credentials, self.note["leaders"])

    def person(self, person: Mapping[str, Any]) -> dict[str, Any]:
        """Give a reference to one of its people."""
        known = self._known_by(person)
        return {"reference": f"#{self._people[known]}", "display": known[0]}

    def contained(self) -> list[dict[str, Any]]:
        """Give its people, its encounter and the provenance of each signature."""
        people = [
            {"resourceType": "Practitioner", "id": id_, "name": [{"text": name}]}
            for (name, _), id_ in self._people.items()
        ]
        signatures = [*self.note["signatures"], *self.later_signatures]
        return [*people, self._encounter(), *self._provenances(signatures)]

    def _encounter(self) -> dict[str, Any]:
        present = self.note["attendance"] == Attendance.PRESENT
        return {
            "resourceType": "Encounter",
            "id": ENCOUNTER,
            # The word of R4 for an appointment that the patient missed.
            "status": "entered-in-error" if self.is_void else "finished" if present else "cancelled",
            "class": codes.AMBULATORY,
            "type": [{"text": taken(self.note["group_title"])}],
            "subject": self.subject,
            "participant": [{"individual": one} for one in self.authors],
            "period": self.period,
            "length": _minutes(self.note["minutes"]),
            "location": [{"location": {"display": taken(self.note["location"]["name"])}}],
        }

    def _provenances(self, signatures: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
        for number, one in enumerate(signatures, start=1):
            who = self.person(one)
            yield {
                "resourceType": "Provenance",
                "id": f"signature-{number}",
                "target": [CONTAINER],
                "recorded": one["signed_at"],
                "agent": [{"type": codes.participation(one["meaning"]), "who": who}],
                "entity": [
                    {
                        "role": "source",
                        "what": {"display": f"What was signed, by SHA-256: {one['document_sha256']}"},
                    }
                ],
                "signature": [
                    {"type": [codes.signature_type(one["meaning"])], "when": one["signed_at"], "who": who}
                ],
            }


def _minutes(count: int) -> dict[str, Any]:
    return {"value": count, "unit": "min", "system": "http://unitsofmeasure.org", "code": "min"}
