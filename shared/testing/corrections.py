"""Builders of what happens to a session after it was completed: annotated, retracted, documented again."""

import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from shared.events.record import Annotation, SessionRecord, SessionRetracted, SignatureMeaning
from shared.identifiers import new_id
from shared.testing.records import MARGARET, TUESDAY, margarets_signature

A_DAY_LATER = TUESDAY + timedelta(days=1)


def an_annotation(patient_id: UUID, text: str = "Called back: is well.", **changes: Any) -> Annotation:
    """Build text that Margaret added to a patient's note on the next day."""
    signature = margarets_signature(A_DAY_LATER).model_copy(
        update={
            "meaning": SignatureMeaning.ANNOTATOR,
            "document_sha256": hashlib.sha256(text.encode()).hexdigest(),
        }
    )
    facts: dict[str, Any] = {
        "annotation_id": new_id(),
        "patient_id": patient_id,
        "text": text,
        "signature": signature,
    }
    return Annotation(**facts | changes)


def annotated(record: SessionRecord, *added: Annotation) -> SessionRecord:
    """Give the whole record again, with what was added."""
    return record.model_copy(update={"annotations": (*record.annotations, *added)})


def retraction_of(record: SessionRecord, reason: str = "Written for the wrong group.") -> SessionRetracted:
    """Build the retraction of a record by Margaret, two days later."""
    return SessionRetracted(
        session_id=record.session_id,
        documentation_id=record.documentation_id,
        version=record.version + 1,
        reason=reason,
        retracted_at=A_DAY_LATER + timedelta(days=1),
        retracted_by=MARGARET,
        printed_name="Margaret Chen",
    )


def documented_again(record: SessionRecord, **changes: Any) -> SessionRecord:
    """Give a new documentation of the same session."""
    again = {"documentation_id": new_id(), "version": record.version + 2, "annotations": ()}
    return record.model_copy(update=again | changes)
