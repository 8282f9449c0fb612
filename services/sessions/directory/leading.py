"""Whether users can lead sessions."""

from collections.abc import Sequence
from uuid import UUID

from services.sessions.directory.models import STAFF_MEMBER
from services.sessions.directory.permissions import Action, may
from services.sessions.directory.repository import load_access
from shared.database.transactions import Transaction
from shared.web.problems import ConflictProblem


async def require_leaders(db: Transaction, user_ids: Sequence[UUID]) -> None:
    """Raise `ConflictProblem` that points at each who can't lead a session, and says why (PERM-2)."""
    member = STAFF_MEMBER.c
    staff = await db.all(db.rows_of(STAFF_MEMBER, member.id, member.active).where(member.id.in_(user_ids)))
    active = {row.id: row.active for row in staff}
    leading = {
        one.user_id
        for one in (await load_access(db, user_ids)).values()
        if may(one, Action.START_OWN_OR_UNASSIGNED)
    }
    errors = []
    for number, user_id in enumerate(user_ids):
        if user_id not in active:
            reason = "is no member of this instance's staff"
        elif not active[user_id]:
            reason = "is not active any more"
        elif user_id not in leading:
            reason = "has no role or feature to lead sessions"
        else:
            continue
        errors.append({"pointer": f"#/leader_ids/{number}", "detail": reason})
    if errors:
        raise ConflictProblem("Not all of these users can lead a session; see errors.", errors=errors)
