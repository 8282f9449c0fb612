"""Every action in every state by everybody, against what the rules say (PERM-1 to PERM-8)."""

import asyncio
import gc
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.integration.services.sessions.lives.machine import Lives
from tests.integration.services.sessions.lives.stage import PLANNED_LEADERS, set_stage

NIGHTLY: Final = settings.get_current_profile_name() == "nightly"
# About 65 requests a life; what takes each half of `make nightly` so long runs beside the other one.
SIZE: Final = settings(
    settings(),
    max_examples=420 if NIGHTLY else 5,
    stateful_step_count=60 if NIGHTLY else 25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
STEPS_AT_LEAST: Final = 25_000 if NIGHTLY else 50
EACH_TRANSITION_AT_LEAST: Final = 10 if NIGHTLY else 0
TRANSITIONS: Final = {
    "upcoming to in_progress by POST start",
    "in_progress to pending_review by POST signatures",
    "in_progress to completed by POST signatures",
    "pending_review to completed by POST signatures",
    "pending_review to in_progress by POST return",
    "in_progress to upcoming by POST deletion",
    "pending_review to upcoming by POST deletion",
    "completed to upcoming by POST deletion",
    "upcoming to in_progress by POST restoration",
    "upcoming to pending_review by POST restoration",
}

PLANNED: Final = {
    "for those who are reviewed": tuple(one for one, names in enumerate(PLANNED_LEADERS) if "Ivy" in names),
    "for others": tuple(one for one, names in enumerate(PLANNED_LEADERS) if "Ivy" not in names),
}
"""Kinds of sessions; each half by itself, so that two workers share them."""
SELDOM: Final = {
    # Only where Ivy was taken off before she wrote a word; the other half is full of these.
    "for those who are reviewed": {"in_progress to completed by POST signatures"},
    "for others": set[str](),
}


@pytest.mark.slow
@pytest.mark.timeout(7200 if NIGHTLY else 300)
@pytest.mark.rule(
    "PERM-1", "PERM-2", "PERM-3", "PERM-4", "PERM-5", "PERM-6", "PERM-7", "PERM-8", "DOC-2", "DOC-3", "DOC-5",
    "DOC-6", "DOC-8", "DIST-3", "SIGN-1", "SIGN-2", "SIGN-3", "SIGN-4", "SIGN-5",
)  # fmt: skip
@pytest.mark.parametrize("half", PLANNED)
def test_whatever_is_done_in_whatever_order_is_allowed_or_refused_as_the_rules_say(
    tmp_path: Path, half: str
) -> None:
    loop = asyncio.new_event_loop()
    Lives.planned = PLANNED[half]
    Lives.stage, Lives.answers, Lives.transitions = set_stage(tmp_path, loop), Counter(), Counter()
    # The application stays to the end: nobody has to look through it for what can be collected.
    gc.freeze()
    try:
        run_state_machine_as_test(Lives, settings=SIZE)
    finally:
        gc.unfreeze()
        Lives.stage.close()
        loop.close()
    _report(f"{Lives.answers.total()} steps", Lives.answers, Lives.transitions)
    assert Lives.answers.total() >= STEPS_AT_LEAST
    rare = {one for one in TRANSITIONS - SELDOM[half] if Lives.transitions[one] < EACH_TRANSITION_AT_LEAST}
    assert not rare
    assert Lives.transitions.keys() <= TRANSITIONS


def _report(title: str, *counts: Counter[Any]) -> None:
    lines = [f"{count:7} {what}" for one in counts for what, count in sorted(one.items(), key=str)]
    print(title, *lines, sep="\n")  # noqa: T201 - for -rP
