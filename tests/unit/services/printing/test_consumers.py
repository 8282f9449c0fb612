import pytest

from services.printing.consumers import HANDLERS
from services.printing.models import RENDERER
from shared.events.catalogue import CONSUMERS, PRINT_JOB_QUEUED

HEARS = {consumer.name: consumer.hears for consumer in CONSUMERS}


def test_every_event_that_is_heard_has_a_handler_and_no_other() -> None:
    assert set(HANDLERS) == set(HEARS["printing"])


@pytest.mark.rule("PRINT-5")
def test_renders_have_a_queue_of_their_own() -> None:
    assert HEARS[RENDERER] == (PRINT_JOB_QUEUED,)
