"""Who the caller is to a session, and whether a move is theirs; refusals say what is missing (PERM-8)."""

from typing import Final
from uuid import UUID

from sqlalchemy import select

from services.sessions.configuration.repository import require_group_sessions
from services.sessions.directory.permissions import Action, may, names_for
from services.sessions.directory.use_cases import access_of
from services.sessions.documentation.authors import authors_of
from services.sessions.documentation.domain import GroupSession
from services.sessions.documentation.lifecycle import LIFECYCLE, Move, Standing, is_allowed, is_possible
from services.sessions.documentation.models import FROZEN, SIGNATURE
from services.sessions.documentation.repository import load_session
from shared.database.transactions import Transaction
from shared.events.record import SignatureMeaning
from shared.events.staff import StaffAccess
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, ForbiddenProblem

_OPEN: Final = frozenset({Move.WRITE, Move.CHANGE_ROSTER, Move.CHANGE_LEADERS})
_ACTIONS: Final = {
    Standing.LEADER: Action.START_OWN_OR_UNASSIGNED,
    Standing.STARTER: Action.START_OWN_OR_UNASSIGNED,
    Standing.REVIEWER: Action.REVIEW,
}


async def session_to_move(
    db: Transaction, identity: Identity, session_id: UUID, move: Move, *, shared: bool = False
) -> GroupSession:
    """Give the session, kept from changing its status meanwhile, if this move is the caller's now.

    With `shared` others may write other parts at the same time (DOC-5).
    """
    access = await access_of(db, identity)
    await require_group_sessions(db)
    session = await load_session(db, session_id, for_change=True, shared=shared)
    await require_move(db, access, session, move)
    return session


async def require_move(db: Transaction, access: StaffAccess, session: GroupSession, move: Move) -> None:
    """Let the user pass whose move it is now, or raise `ForbiddenProblem` or `ConflictProblem` (PERM-8)."""
    standings = standings_of(access, session)
    if Standing.SIGNED_AS_REVIEWER in LIFECYCLE[move].by:
        standings |= await _reviewed(db, session, access)
    if not is_allowed(move, standings):
        needed = "; ".join(_described(one, access) for one in sorted(LIFECYCLE[move].by))
        raise ForbiddenProblem(f"To {move} this session, be one of: {needed}.")
    require_possible(session, move)
    if move in _OPEN:
        await _require_unsigned(db, session)
    if move is Move.REVIEW and access.user_id in await authors_of(db, session):
        raise ForbiddenProblem("You have led this session or written in it; another reviewer is needed.")


def _described(standing: Standing, access: StaffAccess) -> str:
    action = _ACTIONS.get(standing)
    if action is None or may(access, action):
        return standing
    return f"{standing} (one of these is needed: {names_for(action)})"


def standings_of(access: StaffAccess, session: GroupSession) -> frozenset[Standing]:
    """Tell what a user is to the session; who may no longer lead any is no leader of this one (PERM-7)."""
    leads = access.user_id in session.leader_ids
    starts = may(access, Action.START_OWN_OR_UNASSIGNED)
    found = {
        Standing.ADMIN: may(access, Action.START_ANY),
        Standing.LEADER: leads and starts,
        Standing.STARTER: starts and (leads or not session.leader_ids),
        Standing.REVIEWER: may(access, Action.REVIEW) and not leads,
    }
    return frozenset(standing for standing, is_one in found.items() if is_one)


async def _reviewed(db: Transaction, session: GroupSession, access: StaffAccess) -> frozenset[Standing]:
    signed = db.rows_of(SIGNATURE, SIGNATURE.c.id).where(
        SIGNATURE.c.documentation_id == session.documentation_id,
        SIGNATURE.c.user_id == access.user_id,
        SIGNATURE.c.meaning == SignatureMeaning.REVIEWER.value,
    )
    return frozenset({Standing.SIGNED_AS_REVIEWER} if await db.all(signed) else ())


def require_possible(session: GroupSession, move: Move) -> None:
    """Raise `ConflictProblem` that names the statuses in which the move exists."""
    if not is_possible(move, session.status):
        wanted = " or ".join(sorted(LIFECYCLE[move].while_in))
        raise ConflictProblem(
            f"You can {move} a session that is {wanted}; this one is {session.status.value}."
        )


async def _require_unsigned(db: Transaction, session: GroupSession) -> None:
    frozen = select(FROZEN.c.documentation_id).where(
        FROZEN.c.documentation_id == session.documentation_id, FROZEN.c.instance_id == db.instance_id
    )
    if await db.all(frozen):
        raise ConflictProblem("A leader has signed this already; reopen it, which voids the signatures.")
