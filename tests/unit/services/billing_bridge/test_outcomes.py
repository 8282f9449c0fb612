from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing_bridge.outcomes import (
    WAITS,
    Outcome,
    Receiver,
    Standing,
    Status,
    Verdict,
    standing_after,
    standing_without_a_turn,
)
from shared.testing.records import TUESDAY


def after(verdict: Verdict, **facts: Any) -> Standing:
    outcome = Outcome(
        verdict=verdict, reason="It was so.", retry_after_seconds=facts.pop("retry_after_seconds", None)
    )
    receiver = Receiver(deduplicates=facts.pop("deduplicates", True), looks_up=facts.pop("looks_up", False))
    given_facts: dict[str, Any] = {"tries": 1, "uncertain": False, "chance": 0.0}
    return standing_after(outcome, receiver=receiver, now=TUESDAY, **given_facts | facts)


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    assert sum(WAITS, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    assert len(WAITS) == 10


@pytest.mark.rule("BILL-4")
def test_what_is_not_taken_is_tried_again_by_the_schedule() -> None:
    waits = [after(Verdict.NOT_TAKEN, tries=tries).next_attempt_at for tries in range(1, 10)]
    assert waits == [TUESDAY + wait for wait in WAITS[1:]]


@pytest.mark.rule("BILL-4")
def test_after_the_last_attempt_it_is_held_with_the_reason() -> None:
    standing = after(Verdict.NOT_TAKEN, tries=10)
    assert standing == Standing(status=Status.HELD, reason="Not taken in 10 attempts. Last: It was so.")


def test_a_receiver_may_ask_for_a_longer_wait_but_not_for_ever() -> None:
    longer = after(Verdict.NOT_TAKEN, retry_after_seconds=60.0).next_attempt_at
    for_ever = after(Verdict.NOT_TAKEN, retry_after_seconds=1e9).next_attempt_at
    assert (longer, for_ever) == (TUESDAY + timedelta(seconds=60), TUESDAY + timedelta(hours=24))


def test_a_receiver_can_not_ask_for_a_shorter_wait() -> None:
    standing = after(Verdict.NOT_TAKEN, tries=3, retry_after_seconds=1.0)
    assert standing.next_attempt_at == TUESDAY + timedelta(minutes=30)


@pytest.mark.rule("BILL-5")
def test_an_unknown_outcome_is_sent_again_only_where_the_receiver_deduplicates() -> None:
    again, parked = (after(Verdict.UNKNOWN, deduplicates=knows) for knows in (True, False))
    assert (again.status, again.next_attempt_at) == (Status.UNKNOWN, TUESDAY + timedelta(seconds=5))
    assert (parked.status, parked.next_attempt_at) == (Status.UNKNOWN, None)


@pytest.mark.rule("BILL-5")
@given(tries=st.integers(1, 30), deduplicates=st.booleans(), verdict=st.sampled_from(Verdict))
def test_once_uncertain_nothing_but_an_answer_makes_it_certain(
    tries: int, deduplicates: bool, verdict: Verdict
) -> None:
    standing = after(verdict, tries=tries, deduplicates=deduplicates, uncertain=True)
    assert standing.status is not Status.PENDING
    assert standing.uncertain or standing.status is Status.ACCEPTED
    assert standing.next_attempt_at is None or deduplicates


@given(tries=st.integers(1, 9), chance=st.floats(0, 1, exclude_max=True))
def test_chance_spreads_the_waits_by_a_fifth_at_most(tries: int, chance: float) -> None:
    at = after(Verdict.NOT_TAKEN, tries=tries, chance=chance).next_attempt_at
    assert at is not None
    assert WAITS[tries] <= at - TUESDAY <= WAITS[tries] * 1.2


@pytest.mark.rule("BILL-5")
def test_where_it_can_be_looked_up_that_comes_before_anything_is_sent_again() -> None:
    standing = after(Verdict.UNKNOWN, deduplicates=False, looks_up=True)
    assert (standing.status, standing.next_attempt_at) == (Status.UNKNOWN, TUESDAY + timedelta(minutes=1))


@pytest.mark.rule("BILL-5")
def test_what_the_other_side_says_it_does_not_have_is_certain_again_and_due_at_once() -> None:
    standing = after(Verdict.NOT_TAKEN, uncertain=True, looked_up=True, looks_up=True)
    assert (standing.status, standing.uncertain, standing.next_attempt_at) == (
        Status.PENDING,
        False,
        TUESDAY,
    )


@pytest.mark.rule("BILL-4", "BILL-5")
@pytest.mark.parametrize(("uncertain", "status"), [(False, Status.PENDING), (True, Status.UNKNOWN)])
def test_waiting_for_our_own_line_costs_no_try_and_no_place(uncertain: bool, status: Status) -> None:
    outcome = Outcome(verdict=Verdict.NOT_TAKEN, reason="Busy.", without_a_turn=True)
    standing = standing_without_a_turn(outcome, uncertain=uncertain, since=TUESDAY)
    assert (standing.status, standing.next_attempt_at, standing.costs_no_try) == (status, TUESDAY, True)
