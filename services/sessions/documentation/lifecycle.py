"""The life of a session as one table: what can be done in which status, and by whom. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.sessions.scheduling.domain import Status


class Standing(StrEnum):
    """What a user is to one session; a user can be several of these."""

    ADMIN = "a Super Admin or Records Admin"
    LEADER = "a leader of this session"
    STARTER = "who may start sessions, if this one is unassigned or their own"
    REVIEWER = "a user with review_group_sessions who does not lead this session"
    SIGNED_AS_REVIEWER = "the reviewer who signed it"


class Move(StrEnum):
    """What can be done with a session."""

    START = "start"
    WRITE = "write in"
    CHANGE_ROSTER = "change the roster of"
    CHANGE_LEADERS = "hand over, or add leaders to,"
    SIGN = "sign"
    REVIEW = "review"
    RETURN = "return"
    REOPEN = "reopen"
    DELETE = "delete"
    RESTORE = "restore"
    ANNOTATE = "annotate"


@dataclass(frozen=True, kw_only=True)
class Line:
    """In these statuses, by any one of these."""

    while_in: frozenset[Status]
    by: frozenset[Standing]


def _line(while_in: set[Status], by: set[Standing]) -> Line:
    return Line(while_in=frozenset(while_in), by=frozenset(by))


_WRITERS: Final = {Standing.ADMIN, Standing.LEADER}

LIFECYCLE: Final[Mapping[Move, Line]] = {
    # PERM-1, PERM-2: to in_progress
    Move.START: _line({Status.UPCOMING}, {Standing.ADMIN, Standing.STARTER}),
    # PERM-4, PERM-5: after the next status nobody writes, admins neither
    Move.WRITE: _line({Status.IN_PROGRESS}, _WRITERS),
    Move.CHANGE_ROSTER: _line({Status.IN_PROGRESS}, _WRITERS),
    Move.CHANGE_LEADERS: _line({Status.IN_PROGRESS}, _WRITERS),
    # SIGN-1, SIGN-2: to pending_review or completed, once all leaders have
    Move.SIGN: _line({Status.IN_PROGRESS}, {Standing.LEADER}),
    # SIGN-3: to completed, or back to in_progress
    Move.REVIEW: _line({Status.PENDING_REVIEW}, {Standing.REVIEWER}),
    Move.RETURN: _line({Status.PENDING_REVIEW}, {Standing.REVIEWER}),
    # Some leaders have signed and something has to change: their signatures are void, it stays in_progress
    Move.REOPEN: _line({Status.IN_PROGRESS}, _WRITERS),
    # DOC-6: to upcoming
    Move.DELETE: _line({Status.IN_PROGRESS, Status.PENDING_REVIEW, Status.COMPLETED}, {Standing.ADMIN}),
    # DOC-6: to what it was, or to in_progress when it had been distributed; whatever was planned meanwhile
    Move.RESTORE: _line({Status.UPCOMING, Status.CANCELLED}, {Standing.ADMIN}),
    # SIGN-5
    Move.ANNOTATE: _line({Status.COMPLETED}, {Standing.ADMIN, Standing.LEADER, Standing.SIGNED_AS_REVIEWER}),
}


def is_allowed(move: Move, standings: frozenset[Standing]) -> bool:
    """Whether one of these standings is enough for the move."""
    return bool(LIFECYCLE[move].by & standings)


def is_possible(move: Move, status: Status) -> bool:
    """Whether the move exists in this status."""
    return status in LIFECYCLE[move].while_in
