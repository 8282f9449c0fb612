"""What is signed: the canonical document (RFC 8785) and its SHA-256 (SIGN-4)."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import rfc8785

from services.sessions.documentation.domain import GroupSession, RosterEntry


def document_of(session: GroupSession, roster: Sequence[RosterEntry]) -> dict[str, Any]:
    """Give the document that a signature is bound to: all that a clinician wrote and marked."""
    return {
        "documentation_id": str(session.documentation_id),
        "session_id": str(session.id),
        "title": session.title,
        "started_at": _in_utc(session.started_at),
        "ended_at": _in_utc(session.ended_at),
        "topic": session.topic,
        "description": session.description,
        "leaders": sorted(str(leader_id) for leader_id in session.leader_ids),
        "roster": [
            {
                "patient_id": str(entry.patient_id),
                "attendance": entry.attendance,
                "minutes": entry.minutes_in(session),
                "individual_note": entry.individual_note,
                **_where_stated(entry),
            }
            for entry in sorted(roster, key=lambda one: one.patient_id)
        ],
    }


def _where_stated(entry: RosterEntry) -> dict[str, Any]:
    # Left out where nothing is stated, so that documents signed before these existed keep their digest.
    stated = {
        "arrived_at": _in_utc(entry.arrived_at),
        "left_at": _in_utc(entry.left_at),
        "absence_reason": entry.absence_reason,
        "problems": list(entry.problems),
    }
    return {name: value for name, value in stated.items() if value}


def _in_utc(moment: datetime | None) -> str | None:
    # Equal moments are signed as equal texts, in whatever zone a database tells them.
    return moment.astimezone(UTC).isoformat() if moment else None


def annotation_document(
    *, annotation_id: UUID, session: GroupSession, patient_id: UUID, text: str, annotated_sha256: str
) -> dict[str, Any]:
    """Give the document that an annotator signs: the text, and to what exactly it was added (SIGN-5)."""
    return {
        "annotation_id": str(annotation_id),
        "session_id": str(session.id),
        "documentation_id": str(session.documentation_id),
        "patient_id": str(patient_id),
        "text": text,
        "annotated_sha256": annotated_sha256,
    }


def canonical(document: dict[str, Any]) -> bytes:
    """Give the document's RFC 8785 form: one text for equal documents."""
    return rfc8785.dumps(document)


def digest_of(document: dict[str, Any]) -> str:
    """Give the SHA-256, in hex, of the document's RFC 8785 form."""
    return hashlib.sha256(canonical(document)).hexdigest()
