from datetime import timedelta

import pytest

from services.sessions.logging_in.domain import OF_A_LOGIN, OF_AN_ADDRESS, Failures, Limits
from shared.testing.records import TUESDAY


def _seconds(count: int, *, later: float = 0.0) -> float:
    failures = Failures(count=count, last_at=TUESDAY)
    return failures.wait(OF_A_LOGIN, at=TUESDAY + timedelta(seconds=later)).total_seconds()


def test_each_further_failure_doubles_the_wait_up_to_a_quarter_of_an_hour() -> None:
    assert [_seconds(count) for count in (1, 4, 5, 6, 9, 14, 15, 99)] == [0, 0, 1, 2, 16, 512, 900, 900]


def test_the_wait_runs_from_the_last_failure() -> None:
    assert [_seconds(9, later=later) for later in (1, 15.5, 16, 1e6)] == [15, 0.5, 0, 0]


def test_after_a_hundred_failures_no_wait_helps() -> None:
    failures = Failures(count=100, last_at=TUESDAY)
    assert failures.disables(OF_A_LOGIN)
    assert failures.wait(OF_A_LOGIN, at=TUESDAY + timedelta(days=365)) > timedelta()


def test_an_address_is_never_shut_for_good_and_is_forgotten_after_an_hour() -> None:
    failures = Failures(count=1_000, last_at=TUESDAY)
    assert not failures.disables(OF_AN_ADDRESS)
    later = TUESDAY + timedelta(hours=1, seconds=1)
    assert failures.one_more(OF_AN_ADDRESS, at=later) == Failures(count=1, last_at=later)
    assert failures.one_more(OF_A_LOGIN, at=later).count == 1_001


@pytest.mark.parametrize(
    ("used_after", "ends_after"), [(0, 15), (14, 29), (11 * 60 + 59, 12 * 60)], ids=["idle", "used", "end"]
)
def test_a_log_in_ends_by_idleness_or_by_its_age(used_after: int, ends_after: int) -> None:
    limits = Limits(idle=timedelta(minutes=15), absolute=timedelta(hours=12))
    used_at = TUESDAY + timedelta(minutes=used_after)
    ends_at = limits.ends_at(authenticated_at=TUESDAY, last_used_at=used_at)
    assert ends_at - TUESDAY == timedelta(minutes=ends_after)


@pytest.mark.parametrize(("idle", "made_after", "lasts"), [(15, 0, 5), (3, 0, 3), (15, 12 * 60 - 1, 1)])
def test_an_access_token_lasts_five_minutes_and_not_longer_than_its_log_in(
    idle: int, made_after: int, lasts: int
) -> None:
    limits = Limits(idle=timedelta(minutes=idle), absolute=timedelta(hours=12))
    made_at = TUESDAY + timedelta(minutes=made_after)
    assert limits.token_ends_at(authenticated_at=TUESDAY, at=made_at) - made_at == timedelta(minutes=lasts)
