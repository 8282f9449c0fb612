import pytest

from services.sessions.documentation.lifecycle import LIFECYCLE, Move, Standing, is_allowed, is_possible
from services.sessions.scheduling.domain import Status

POSSIBLE = {
    Status.UPCOMING: {Move.START, Move.RESTORE},
    Status.IN_PROGRESS: {
        Move.WRITE, Move.CHANGE_ROSTER, Move.CHANGE_LEADERS, Move.SIGN, Move.REOPEN, Move.DELETE,
    },
    Status.PENDING_REVIEW: {Move.REVIEW, Move.RETURN, Move.DELETE},
    Status.COMPLETED: {Move.ANNOTATE, Move.DELETE},
    Status.CANCELLED: {Move.RESTORE},
}  # fmt: skip


def test_the_table_has_a_line_for_every_move() -> None:
    assert set(LIFECYCLE) == set(Move)


@pytest.mark.rule("PERM-5", "DOC-6")
@pytest.mark.parametrize("status", Status)
def test_each_status_has_its_moves(status: Status) -> None:
    assert {move for move in Move if is_possible(move, status)} == POSSIBLE[status]


@pytest.mark.rule("PERM-1", "PERM-4", "PERM-5")
def test_admins_do_everything_but_sign_and_review() -> None:
    moves = {move for move in Move if is_allowed(move, frozenset({Standing.ADMIN}))}
    assert moves == set(Move) - {Move.SIGN, Move.REVIEW, Move.RETURN}


@pytest.mark.rule("PERM-7")
def test_who_is_nothing_to_a_session_does_nothing_with_it() -> None:
    assert not [move for move in Move if is_allowed(move, frozenset())]
