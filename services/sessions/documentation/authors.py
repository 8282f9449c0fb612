"""Whose documentation it is: who has led the session or written in it, whoever leads it now.

One answer for both rules. Who has led it while it was documented has had it in their hands, even without
a word of their own: do they require review, it is reviewed (PERM-6, SIGN-2), and none of them reviews it
(SIGN-3). It is kept in rows of its own: a part names who wrote it last, and nobody before them.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import literal, select, union

from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.models import DOCUMENTATION_AUTHOR, SIGNATURE
from shared.database.bulk import insert_new
from shared.database.transactions import Transaction
from shared.events.record import SignatureMeaning

_OF_LEADERS = (SignatureMeaning.AUTHOR.value, SignatureMeaning.CO_AUTHOR.value)


async def authors_of(db: Transaction, session: GroupSession) -> frozenset[UUID]:
    """Give who has led or written in it since its start, and who has ever signed the session as its leader.

    Void signatures count too. Else a documentation that was deleted has no part in the next one: its authors
    come back with it when it is restored (DOC-6).
    """
    author = DOCUMENTATION_AUTHOR.c
    authors = db.rows_of(DOCUMENTATION_AUTHOR, author.user_id).where(
        author.documentation_id == session.documentation_id
    )
    signers = db.rows_of(SIGNATURE, SIGNATURE.c.user_id).where(
        SIGNATURE.c.session_id == session.id, SIGNATURE.c.meaning.in_(_OF_LEADERS)
    )
    return frozenset(row.user_id for row in await db.all(union(authors, signers)))


async def add_authors(db: Transaction, documentation_id: UUID | None, user_ids: Iterable[UUID]) -> None:
    """Remember who has led or written; who is there already is left as they are. Nobody is ever taken off."""
    rows = [
        {"documentation_id": documentation_id, "user_id": one, "instance_id": db.instance_id}
        for one in dict.fromkeys(user_ids)
    ]
    await insert_new(db.connection, DOCUMENTATION_AUTHOR, rows)


async def add_writer(db: Transaction, session: GroupSession, user_id: UUID) -> None:
    """Remember who writes in a session in progress.

    Its leaders are there since the start, or since it was handed to them: their writing costs no statement.
    """
    if user_id not in session.leader_ids:
        await add_authors(db, session.documentation_id, [user_id])


async def copy_authors(db: Transaction, from_id: UUID | None, to_id: UUID) -> None:
    """Have the authors of a documentation be those of its copy too."""
    author = DOCUMENTATION_AUTHOR
    columns = (literal(to_id, author.c.documentation_id.type), author.c.user_id, author.c.instance_id)
    kept = select(*columns).where(
        author.c.documentation_id == from_id, author.c.instance_id == db.instance_id
    )
    await db.execute(author.insert().from_select(["documentation_id", "user_id", "instance_id"], kept))
