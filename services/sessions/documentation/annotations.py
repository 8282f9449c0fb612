"""Reading and writing annotations: rows that are only added (SIGN-5)."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert

from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.models import ANNOTATION
from services.sessions.sealed_columns import ANNOTATIONS
from shared.database.transactions import Transaction
from shared.events.record import Annotation, Signature, SignatureMeaning


async def add_annotation(db: Transaction, session: GroupSession, annotation: Annotation) -> None:
    """Store an annotation of a session's documentation; the database refuses to change it ever after."""
    signature = annotation.signature
    values = {
        "id": annotation.annotation_id,
        "instance_id": db.instance_id,
        "documentation_id": session.documentation_id,
        "patient_id": annotation.patient_id,
        "text": annotation.text,
        "signature_id": signature.signature_id,
        "user_id": signature.user_id,
        "printed_name": signature.printed_name,
        "credentials": signature.credentials,
        "signed_at": signature.signed_at,
        "document_sha256": signature.document_sha256,
    }
    await db.execute(insert(ANNOTATION).values(ANNOTATIONS.sealed(db.fields, values)))


async def load_annotations(db: Transaction, documentation_id: UUID | None) -> list[Annotation]:
    """Give all that was added to a documentation's notes, oldest first."""
    mine = db.rows_of(ANNOTATION).where(ANNOTATION.c.documentation_id == documentation_id)
    rows = await db.all(mine.order_by(ANNOTATION.c.signed_at, ANNOTATION.c.id))
    return [_annotation(row, **ANNOTATIONS.opened(db.fields, {"text": row.text}, row=row.id)) for row in rows]


def _annotation(row: Row[Any], *, text: str) -> Annotation:
    signature = Signature(
        signature_id=row.signature_id,
        user_id=row.user_id,
        printed_name=row.printed_name,
        credentials=row.credentials,
        meaning=SignatureMeaning.ANNOTATOR,
        signed_at=row.signed_at,
        document_sha256=row.document_sha256,
    )
    return Annotation(annotation_id=row.id, patient_id=row.patient_id, text=text, signature=signature)


def shown(annotation: Annotation) -> dict[str, Any]:
    """Give an annotation as it is read."""
    signature = annotation.signature
    return {
        "annotation_id": annotation.annotation_id,
        "text": annotation.text,
        "user_id": signature.user_id,
        "printed_name": signature.printed_name,
        "credentials": signature.credentials,
        "meaning": signature.meaning,
        "signed_at": signature.signed_at,
        "document_sha256": signature.document_sha256,
    }
