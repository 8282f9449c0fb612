"""Who has written in a session or signed it as its leader, whoever leads it now (SIGN-2, SIGN-3)."""

from uuid import UUID

from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.models import ROSTER_ENTRY, SIGNATURE
from services.sessions.scheduling.models import SESSION
from shared.database.transactions import Transaction
from shared.events.record import SignatureMeaning

_OF_LEADERS = (SignatureMeaning.AUTHOR.value, SignatureMeaning.CO_AUTHOR.value)


async def authors_of(db: Transaction, session: GroupSession) -> frozenset[UUID]:
    """Give who wrote each part last, and whose signature as a leader it has had, void ones too."""
    entry = ROSTER_ENTRY
    parts = db.rows_of(entry, entry.c.note_by, entry.c.attendance_by).where(
        entry.c.documentation_id == session.documentation_id
    )
    group_note = db.rows_of(SESSION, SESSION.c.note_by).where(SESSION.c.id == session.id)
    signatures = db.rows_of(SIGNATURE, SIGNATURE.c.user_id).where(
        SIGNATURE.c.session_id == session.id, SIGNATURE.c.meaning.in_(_OF_LEADERS)
    )
    rows = [*await db.all(parts), *await db.all(group_note), *await db.all(signatures)]
    return frozenset(one for row in rows for one in row if one is not None)
