"""What a chart note says, and who may read one. Plain Python."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from shared.events.record import (
    Annotation,
    Attendance,
    Participant,
    SessionRecord,
    SessionRetracted,
    Signature,
)
from shared.events.staff import Feature, Role
from shared.identifiers import named_id

READS_CHARTS: Final = frozenset(
    {
        Role.SUPER_ADMIN,
        Role.RECORDS_ADMIN,
        Role.THERAPIST,
        Role.CASE_MANAGER,
        Role.OTHER_THERAPIST,
        Role.DOCTOR,
        Role.NURSE,
        Role.TECH,
    }
)
"""Every clinical role, and those that look after the records (PERM-7)."""

READS_FILING: Final = frozenset({Role.SUPER_ADMIN, Role.RECORDS_ADMIN})
"""Who may ask whether a session has reached its charts: the answer names several patients."""

SEES_SESSIONS: Final = frozenset(
    {Role.SUPER_ADMIN, Role.RECORDS_ADMIN, Role.THERAPIST, Role.CASE_MANAGER, Role.OTHER_THERAPIST}
)
SESSION_FEATURES: Final = frozenset({Feature.MANAGE_GROUP_SESSIONS, Feature.REVIEW_GROUP_SESSIONS})
"""With the roles above: who may see a session as a whole, all its patients included (PERM-1, 2 and 6)."""


class NoteStatus(StrEnum):
    """Where a note stands, in the words of FHIR."""

    FINAL = "final"
    AMENDED = "amended"
    """Something was added to it (SIGN-5)."""
    ENTERED_IN_ERROR = "entered-in-error"
    """Its documentation is void; it stays readable as such (DOC-6)."""


@dataclass(frozen=True, kw_only=True)
class Documentation:
    """What all notes of one documented session have in common."""

    documentation_id: UUID
    session_id: UUID
    template_id: UUID
    version: int
    location_id: UUID
    held_at: datetime
    held_on: date
    """The date of service: the day at the location."""
    signed_at: datetime
    """The last signature."""
    group_title: str
    leader_ids: tuple[UUID, ...]
    content: str
    """The end of each note's content."""


def documentation_of(record: SessionRecord) -> Documentation:
    """Give what the notes of a record have in common."""
    shared = orjson.dumps(_shared_content(record), option=orjson.OPT_UTC_Z).decode()
    return Documentation(
        documentation_id=record.documentation_id,
        session_id=record.session_id,
        template_id=record.group.template_id,
        version=record.version,
        location_id=record.location.location_id,
        held_at=record.started_at,
        held_on=record.started_at.astimezone(ZoneInfo(record.location.time_zone)).date(),
        signed_at=max((one.signed_at for one in record.signatures), default=record.ended_at),
        group_title=record.group.title,
        leader_ids=tuple(leader.user_id for leader in record.leaders),
        # Two JSON objects with members become one by joining their members.
        content=f",{shared[1:]}",
    )


@dataclass(frozen=True, kw_only=True)
class ChartNote:
    """The read-only copy of one documented session in one patient's chart."""

    note_id: UUID
    patient_id: UUID
    attendance: Attendance
    minutes: int
    own_content: str
    """The beginning of the content: what is this patient's alone."""
    documentation: Documentation

    @property
    def content(self) -> str:
        """JSON; see `schemas.FiledNote`."""
        return self.own_content + self.documentation.content


def notes_of(record: SessionRecord) -> Iterator[ChartNote]:
    """Write one note for each patient of the roster (DIST-1).

    A note holds what is everybody's and what is that patient's own; of other patients it holds
    their number alone (DIST-3, DIST-7).
    """
    yield from documented(record)[1]


def documented(record: SessionRecord) -> tuple[Documentation, list[ChartNote]]:
    """Give what the notes of a record have in common, written once, and each note."""
    documentation, zone = documentation_of(record), ZoneInfo(record.location.time_zone)
    return documentation, [_note(one, documentation, zone) for one in record.participants]


def _note(participant: Participant, documentation: Documentation, zone: ZoneInfo) -> ChartNote:
    note_id = note_id_of(documentation.documentation_id, participant.patient_id)
    return ChartNote(
        note_id=note_id,
        patient_id=participant.patient_id,
        attendance=participant.attendance,
        minutes=participant.minutes,
        own_content=orjson.dumps(_own_content(note_id, participant, zone))[:-1].decode(),
        documentation=documentation,
    )


@dataclass(frozen=True, kw_only=True)
class NoteAnnotation:
    """Text that was added to one note after it was signed (SIGN-5)."""

    annotation_id: UUID
    note_id: UUID
    annotated_at: datetime
    content: str
    """JSON; see `schemas.NoteAnnotation`."""


def annotations_of(record: SessionRecord) -> Iterator[NoteAnnotation]:
    """Give what was added to the notes of a record so far."""
    for one in record.annotations:
        yield NoteAnnotation(
            annotation_id=one.annotation_id,
            note_id=note_id_of(record.documentation_id, one.patient_id),
            annotated_at=one.signature.signed_at,
            content=orjson.dumps(_annotation_content(one), option=orjson.OPT_UTC_Z).decode(),
        )


def _annotation_content(annotation: Annotation) -> dict[str, Any]:
    return {
        "annotation_id": annotation.annotation_id,
        "text": annotation.text,
        "signature": _signature_content(annotation.signature),
    }


def retraction_content(retracted: SessionRetracted) -> str:
    """Say why the notes of a documentation were entered in error, as JSON; see `schemas.EnteredInError`."""
    facts = {"at": retracted.retracted_at, "by": retracted.printed_name, "reason": retracted.reason}
    return orjson.dumps(facts, option=orjson.OPT_UTC_Z).decode()


def served(
    content: str, *, status: str, annotations: Sequence[str] = (), entered_in_error: str | None = None
) -> str:
    """Give a note as it is read: what was filed, byte for byte, and what was said of it later (DIST-2)."""
    later = f'"annotations":[{",".join(annotations)}],"entered_in_error":{entered_in_error or "null"}'
    return f'{content[:-1]},"status":"{status}",{later}}}'


def history_of(note: Mapping[str, Any], *, filed_at: datetime) -> list[dict[str, Any]]:
    """Tell what became of a served note, oldest first: signed, filed, annotated, entered in error."""
    told = [_happened("signed", one) for one in note["signatures"]]
    told.append({"at": filed_at.isoformat(), "what": "filed", "by": None, "meaning": None, "text": None})
    told += [_happened("annotated", one["signature"], text=one["text"]) for one in note["annotations"]]
    if error := note["entered_in_error"]:
        told.append(
            {"at": error["at"], "what": NoteStatus.ENTERED_IN_ERROR, "by": error["by"], "meaning": None}
            | {"text": error["reason"]}
        )
    return sorted(told, key=lambda one: datetime.fromisoformat(one["at"]))


def _happened(what: str, signature: Mapping[str, Any], *, text: str | None = None) -> dict[str, Any]:
    return {
        "at": signature["signed_at"],
        "what": what,
        "by": signature["printed_name"],
        "meaning": signature["meaning"],
        "text": text,
    }


def note_id_of(documentation_id: UUID, patient_id: UUID) -> UUID:
    """Give the note's id: the same however often and in whatever order its event comes (DIST-5)."""
    return named_id(documentation_id, str(patient_id))


def _at(moment: datetime | None, zone: ZoneInfo) -> datetime | None:
    return moment and moment.astimezone(zone)


def _own_content(note_id: UUID, participant: Participant, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "note_id": note_id,
        "patient": {
            "patient_id": participant.patient_id,
            "mrn": participant.mrn,
            "printed_name": participant.printed_name,
        },
        "attendance": participant.attendance,
        "minutes": participant.minutes,
        "arrived_at": _at(participant.arrived_at, zone),
        "left_at": _at(participant.left_at, zone),
        "absence_reason": participant.absence_reason,
        "problems": participant.problems,
        # An absent patient has one only if somebody wrote one (DIST-4).
        "individual_note": participant.individual_note,
    }


def _shared_content(record: SessionRecord) -> dict[str, Any]:
    zone = ZoneInfo(record.location.time_zone)
    present = [one for one in record.participants if one.attendance is Attendance.PRESENT]
    return {
        "session_id": record.session_id,
        "documentation_id": record.documentation_id,
        "version": record.version,
        "group_title": record.group.title,
        "location": {"name": record.location.name, "time_zone": record.location.time_zone},
        "started_at": record.started_at.astimezone(zone),
        "ended_at": record.ended_at.astimezone(zone),
        "duration_minutes": int((record.ended_at - record.started_at).total_seconds()) // 60,
        "participants_present": len(present),
        "topic": record.topic,
        "description": record.description,
        "leaders": [
            {"printed_name": leader.printed_name, "credentials": leader.credentials}
            for leader in record.leaders
        ],
        "signatures": [_signature_content(signature) for signature in record.signatures],
    }


def _signature_content(signature: Signature) -> dict[str, Any]:
    return {
        "printed_name": signature.printed_name,
        "credentials": signature.credentials,
        "meaning": signature.meaning,
        "signed_at": signature.signed_at,
        "document_sha256": signature.document_sha256,
    }
