from services.billing_bridge.consumers import HANDLERS
from services.billing_bridge.worker import CONSUMER
from shared.events.catalogue import CONSUMERS


def test_there_is_a_handler_for_each_event_that_is_heard() -> None:
    (consumer,) = (one for one in CONSUMERS if one.name == CONSUMER)
    assert set(HANDLERS) == set(consumer.hears)
