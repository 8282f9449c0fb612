"""What a chart note says, and who may read one. Plain Python."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import orjson

from shared.events.record import Attendance, Participant, SessionRecord, Signature
from shared.events.staff import Role

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


@dataclass(frozen=True, kw_only=True)
class ChartNote:
    """The read-only copy of one documented session in one patient's chart."""

    note_id: UUID
    patient_id: UUID
    session_id: UUID
    documentation_id: UUID
    held_at: datetime
    group_title: str
    attendance: Attendance
    minutes: int
    content: str
    """JSON; see `schemas.ChartNote`."""


def notes_of(record: SessionRecord) -> Iterator[ChartNote]:
    """Write one note for each patient of the roster (DIST-1).

    A note holds what is everybody's and what is that patient's own; of other patients it holds
    their number alone (DIST-3, DIST-7).
    """
    # Written once a session, not once a patient: it is the larger part of every note.
    shared = orjson.dumps(_shared_content(record), option=orjson.OPT_UTC_Z)
    for participant in record.participants:
        note_id = note_id_of(record.documentation_id, participant.patient_id)
        own = orjson.dumps(_own_content(note_id, participant))
        yield ChartNote(
            note_id=note_id,
            patient_id=participant.patient_id,
            session_id=record.session_id,
            documentation_id=record.documentation_id,
            held_at=record.started_at,
            group_title=record.group.title,
            attendance=participant.attendance,
            minutes=participant.minutes,
            content=_one_object(own, shared),
        )


def note_id_of(documentation_id: UUID, patient_id: UUID) -> UUID:
    """Give the note's id: the same however often and in whatever order its event comes (DIST-5)."""
    return uuid5(documentation_id, str(patient_id))


def _own_content(note_id: UUID, participant: Participant) -> dict[str, Any]:
    return {
        "note_id": note_id,
        "patient": {
            "patient_id": participant.patient_id,
            "mrn": participant.mrn,
            "printed_name": participant.printed_name,
        },
        "attendance": participant.attendance,
        "minutes": participant.minutes,
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


def _one_object(first: bytes, second: bytes) -> str:
    # Two JSON objects with members become one by joining their members.
    return f"{first[:-1].decode()},{second[1:].decode()}"
