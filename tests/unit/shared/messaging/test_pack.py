from hypothesis import given
from hypothesis import strategies as st

from shared.events.catalogue import CONSUMERS, SESSION_COMPLETED
from shared.identifiers import new_id
from shared.messaging.ledger import Claimed
from shared.messaging.messages import Delivery
from shared.messaging.relay import pack
from shared.testing.records import CLINIC

NAMES = [consumer.name for consumer in CONSUMERS]
MOST = {consumer.name: consumer.most_per_task for consumer in CONSUMERS}


def claimed(consumer: str, *, ring: int = 1) -> Claimed:
    delivery = Delivery(delivery_id=new_id(), event_id=new_id(), type=SESSION_COMPLETED, ring=ring, body="{}")
    return Claimed(consumer=consumer, instance_id=CLINIC, delivery=delivery)


def sizes(consumer: str, count: int, *, ring: int = 1) -> list[int]:
    return [len(parcel) for _, parcel in pack([claimed(consumer, ring=ring) for _ in range(count)])]


def test_nothing_makes_no_parcel() -> None:
    assert list(pack([])) == []


def test_what_waits_travels_together() -> None:
    assert sizes("charts", 7) == [7]


def test_a_parcel_is_never_larger_than_its_consumer_takes() -> None:
    assert sizes("charts", 120) == [50, 50, 20]
    assert sizes("printing.render", 3) == [1, 1, 1]


def test_each_further_ring_halves_the_parcel_until_each_travels_alone() -> None:
    largest = {ring: max(sizes("charts", 60, ring=ring)) for ring in range(1, 9)}
    assert largest == {1: 50, 2: 25, 3: 12, 4: 6, 5: 3, 6: 1, 7: 1, 8: 1}


def test_a_very_old_delivery_still_travels() -> None:
    assert sizes("charts", 2, ring=10_000) == [1, 1]


@given(
    st.lists(
        st.builds(claimed, st.sampled_from(NAMES), ring=st.integers(min_value=1, max_value=9)), max_size=99
    )
)
def test_every_delivery_is_in_one_parcel_of_its_own_consumer(waiting: list[Claimed]) -> None:
    parcels = list(pack(waiting))
    packed = [one for _, parcel in parcels for one in parcel]
    assert sorted(map(id, packed)) == sorted(map(id, waiting))
    for consumer, parcel in parcels:
        assert {one.consumer for one in parcel} == {consumer}
        assert len({one.delivery.ring for one in parcel}) == 1
        assert len(parcel) <= MOST[consumer]
