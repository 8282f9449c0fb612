import signal
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from shared.messaging.deafness import LOOKS_IN_A_ROW, Ear


class Quality:
    """As kombu's QoS: whether a further message may be asked for."""

    def __init__(self) -> None:
        self.takes_more = True

    def can_consume(self) -> bool:
        return self.takes_more


@pytest.fixture
def quality() -> Quality:
    return Quality()


@pytest.fixture
def ear(quality: Quality) -> Ear:
    channel = SimpleNamespace(qos=quality)
    return Ear(SimpleNamespace(consumer=SimpleNamespace(task_consumer=SimpleNamespace(channel=channel))))


@pytest.fixture
def told_to_end() -> Iterator[list[int]]:
    told: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _frame: told.append(number))
    yield told
    signal.signal(signal.SIGTERM, before)


def test_an_idle_worker_that_takes_nothing_ends(ear: Ear, quality: Quality, told_to_end: list[int]) -> None:
    quality.takes_more = False
    for _ in range(LOOKS_IN_A_ROW):
        ear.look()
    assert told_to_end == [signal.SIGTERM]


def test_one_look_alone_tells_nothing(ear: Ear, quality: Quality, told_to_end: list[int]) -> None:
    for takes_more in (False, True, False):
        quality.takes_more = takes_more
        ear.look()
    assert told_to_end == []


@pytest.mark.parametrize(
    "worker", [SimpleNamespace(), SimpleNamespace(consumer=SimpleNamespace(task_consumer=None))]
)
def test_a_worker_that_has_not_begun_to_listen_is_left_alone(
    worker: SimpleNamespace, told_to_end: list[int]
) -> None:
    ear = Ear(worker)
    for _ in range(LOOKS_IN_A_ROW):
        ear.look()
    assert told_to_end == []
