from datetime import UTC, datetime
from hashlib import sha256

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis.strategies import dictionaries, integers, sampled_from, text

from shared.audit.anchors import BadAnchorError, Head, read_anchors, sign
from shared.audit.chain import NOTHING_BEFORE, hash_of_link
from shared.testing.records import CLINIC

KEY = Ed25519PrivateKey.generate()
HEAD = Head(
    service="charts", instance_id=CLINIC, sequence=7, hash=b"\x01" * 32, at=datetime(2026, 3, 3, tzinfo=UTC)
)


def test_an_anchor_is_read_as_it_was_signed() -> None:
    assert list(read_anchors(sign([HEAD], KEY), KEY.public_key())) == [HEAD]


def test_a_line_that_was_changed_is_named() -> None:
    lines = sign([HEAD, HEAD], KEY).replace(b'"sequence":7', b'"sequence":8')
    with pytest.raises(BadAnchorError, match="line 1"):
        list(read_anchors(lines, KEY.public_key()))


def test_a_line_of_another_key_is_refused() -> None:
    with pytest.raises(BadAnchorError):
        list(read_anchors(sign([HEAD], Ed25519PrivateKey.generate()), KEY.public_key()))


def test_a_link_is_the_hash_of_the_one_before_and_the_canonical_entry() -> None:
    entry = {"action": "read", "at": datetime(2026, 3, 3, 14, 0, tzinfo=UTC), "patient_id": None}
    said = b'{"action":"read","at":"2026-03-03T14:00:00.000000+00:00","sequence":1}'
    assert hash_of_link(NOTHING_BEFORE, sequence=1, entry=entry) == sha256(bytes(32) + said).digest()


@given(
    texts=dictionaries(sampled_from(["action", "at", "id", "subject", "zone"]), text()),
    sequence=integers(1, 2**53 - 1),
)
def test_an_entry_is_hashed_in_its_rfc_8785_form(texts: dict[str, str], sequence: int) -> None:
    canonical = rfc8785.dumps(texts | {"sequence": sequence})
    assert hash_of_link(b"", sequence=sequence, entry=texts) == sha256(canonical).digest()
