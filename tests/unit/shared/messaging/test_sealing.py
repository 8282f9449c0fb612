import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.messaging.sealing import BadKeyRingError, KeyRing, UnsealableError, new_key_ring

PURPOSE = "opencircle.deliver"
OLD = "old:" + base64.b64encode(b"o" * 32).decode()
NEW = "new:" + base64.b64encode(b"n" * 32).decode()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=12,
)


@pytest.fixture
def keys() -> KeyRing:
    return KeyRing.parse(new_key_ring())


@given(JSON)
def test_what_was_sealed_comes_back(content: Any) -> None:
    ring = KeyRing.parse(NEW)
    assert ring.unseal(ring.seal(content, purpose=PURPOSE), purpose=PURPOSE) == content


def test_a_sealed_text_shows_nothing_of_its_content(keys: KeyRing) -> None:
    sealed = keys.seal({"name": "Anna Okafor"}, purpose=PURPOSE)
    held = base64.urlsafe_b64decode(sealed.partition(".")[2])
    assert b"Anna" not in held
    assert b"Okafor" not in held


def test_equal_contents_are_sealed_differently(keys: KeyRing) -> None:
    assert keys.seal("same", purpose=PURPOSE) != keys.seal("same", purpose=PURPOSE)


def test_a_receipt_cannot_be_passed_off_as_a_delivery(keys: KeyRing) -> None:
    sealed = keys.seal([], purpose="opencircle.receipts")
    with pytest.raises(UnsealableError):
        keys.unseal(sealed, purpose=PURPOSE)


def test_a_message_under_the_old_key_is_opened_after_rotation() -> None:
    sealed = KeyRing.parse(OLD).seal("kept", purpose=PURPOSE)
    assert KeyRing.parse(f"{NEW},{OLD}").unseal(sealed, purpose=PURPOSE) == "kept"


def test_the_first_key_seals() -> None:
    sealed = KeyRing.parse(f"{NEW},{OLD}").seal("kept", purpose=PURPOSE)
    assert KeyRing.parse(NEW).unseal(sealed, purpose=PURPOSE) == "kept"


def test_a_key_that_left_the_ring_opens_nothing() -> None:
    sealed = KeyRing.parse(OLD).seal("gone", purpose=PURPOSE)
    with pytest.raises(UnsealableError):
        KeyRing.parse(NEW).unseal(sealed, purpose=PURPOSE)


def test_another_key_of_the_same_name_opens_nothing() -> None:
    sealed = KeyRing.parse(new_key_ring()).seal("theirs", purpose=PURPOSE)
    with pytest.raises(UnsealableError):
        KeyRing.parse(new_key_ring()).unseal(sealed, purpose=PURPOSE)


@given(st.data())
def test_a_message_with_one_changed_bit_is_refused(data: st.DataObject) -> None:
    ring = KeyRing.parse(NEW)
    key_id, _, encoded = ring.seal({"minutes": 50}, purpose=PURPOSE).partition(".")
    held = bytearray(base64.urlsafe_b64decode(encoded))
    place = data.draw(st.integers(min_value=0, max_value=len(held) * 8 - 1))
    held[place // 8] ^= 1 << place % 8
    with pytest.raises(UnsealableError):
        ring.unseal(f"{key_id}.{base64.urlsafe_b64encode(held).decode()}", purpose=PURPOSE)


@given(st.text(max_size=80) | st.text(alphabet="AQaz09-_=", max_size=80).map("new.{}".format))
def test_a_forged_text_is_refused(forged: str) -> None:
    with pytest.raises(UnsealableError):
        KeyRing.parse(NEW).unseal(forged, purpose=PURPOSE)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "k1",
        "k1:",
        ":" + base64.b64encode(b"n" * 32).decode(),
        "k.1:" + base64.b64encode(b"n" * 32).decode(),
        "k1:" + base64.b64encode(b"n" * 31).decode(),
        "k1:not base64",
        f"{NEW},",
        f"{NEW},{NEW}",
    ],
)
def test_a_bad_key_ring_is_refused(text: str) -> None:
    with pytest.raises(BadKeyRingError):
        KeyRing.parse(text)


def test_the_refusal_of_a_key_ring_quotes_no_key() -> None:
    with pytest.raises(BadKeyRingError) as refusal:
        KeyRing.parse("k1:c2VjcmV0")
    assert "c2VjcmV0" not in str(refusal.value)
