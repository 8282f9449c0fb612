from collections.abc import Mapping
from typing import Any

import pytest

from services.billing_bridge.consumers import HANDLERS as BILLING_BRIDGE
from services.charts.consumers import HANDLERS as CHARTS
from services.printing.consumers import HANDLERS as PRINTING
from services.printing.models import RENDERER
from shared.events.catalogue import (
    CONSUMERS,
    EVENT_TYPES,
    PRINT_JOB_QUEUED,
    SESSION_NEEDS_ATTENTION,
    STAFF_ACCESS_CHANGED,
    subscribers,
)

# The renderer's work does not fit into a transaction: it takes its one type without a table of handlers.
HEARD: dict[str, set[str]] = {
    "charts": set(CHARTS),
    "billing_bridge": set(BILLING_BRIDGE),
    "printing": set(PRINTING),
    RENDERER: {PRINT_JOB_QUEUED},
}


def test_every_consumer_handles_what_it_is_sent_and_nothing_else() -> None:
    assert {one.name: set(one.hears) for one in CONSUMERS} == HEARD


@pytest.mark.parametrize("handlers", [CHARTS, BILLING_BRIDGE, PRINTING])
def test_every_handled_type_exists(handlers: Mapping[str, Any]) -> None:
    assert handlers.keys() <= EVENT_TYPES.keys()


FOR_FRONT_ENDS = {SESSION_NEEDS_ATTENTION}
"""Heard through the stream of events, by no service."""


@pytest.mark.parametrize("event_type", sorted(EVENT_TYPES.keys() - FOR_FRONT_ENDS))
def test_every_event_has_somebody_who_hears_it(event_type: str) -> None:
    assert subscribers(event_type)


@pytest.mark.rule("PERM-8")
def test_every_service_that_answers_requests_hears_who_may_do_what() -> None:
    assert set(subscribers(STAFF_ACCESS_CHANGED)) == {"charts", "billing_bridge", "printing"}


def test_no_two_consumers_share_a_name() -> None:
    assert len({one.name for one in CONSUMERS}) == len(CONSUMERS)
