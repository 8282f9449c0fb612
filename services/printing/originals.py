"""What a job prints: its own sheets, or what is known by now of a documentation."""

from collections.abc import Sequence

from pydantic import ValidationError

from services.printing.domain import Kind
from services.printing.renderer import AttendanceRecord, ChartNote, Printable
from services.printing.repository import JobToPrint, load_documented
from shared.database.transactions import Transaction
from shared.events.record import SessionRecord, SessionRetracted
from shared.events.sheet import SignInSheet, SignInSheets


class RecordMissingError(Exception):
    """A job is of a documentation whose record is not here; it comes by event, and queues the job again."""


async def document_of(db: Transaction, job: JobToPrint) -> Printable | Exception:
    """Give what a job prints, or why it can't: the job fails with it, and holds no other up."""
    try:
        return await _document(db, job)
    except (ValidationError, RecordMissingError) as error:
        return error


async def _document(db: Transaction, job: JobToPrint) -> Printable:
    if job.kind is Kind.SIGN_IN_SHEET:
        return SignInSheet.model_validate(job.sheet)
    if job.kind is Kind.SIGN_IN_SHEETS:
        return SignInSheets.model_validate(job.sheet)
    documented = await load_documented(db, job.documentation_id)
    if documented is None or documented.record is None:
        raise RecordMissingError(job.id)
    record = SessionRecord.model_validate(documented.record)
    retracted = SessionRetracted.model_validate(documented.retracted) if documented.retracted else None
    # Of the two, the job of a note alone names a patient.
    if job.patient_id is None:
        return AttendanceRecord(record=record, retracted=retracted, superseded=documented.superseded)
    return ChartNote(
        record=record,
        patient_id=job.patient_id,
        retracted=retracted,
        superseded=documented.superseded,
    )


def sheets_in(document: Printable) -> Sequence[SignInSheet]:
    """Give the sheets of a document; none of a record or a note."""
    if isinstance(document, SignInSheet):
        return [document]
    return document.sheets if isinstance(document, SignInSheets) else ()
