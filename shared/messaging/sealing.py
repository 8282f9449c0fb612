"""Sealed messages: what the broker holds shows no patient, and a forged message is refused.

A sealed text is `key id . base64url(nonce + AES-256-GCM(zstd(JSON)))`. The purpose is
authenticated too, so that a receipt can't be passed off as a delivery.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.compression import compressed, decompressed

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32


class UnsealableError(Exception):
    """A message was not sealed by us for this purpose, or its key is no longer in the ring."""


class BadKeyRingError(Exception):
    """A ring of keys is not `id:base64-of-32-bytes[,id:...]`, the sealing key first."""


@dataclass(frozen=True)
class KeyRing:
    """The first key seals, every key opens: rotation is putting a new one in front."""

    keys: Mapping[str, AESGCM]

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """Read `id:base64,id:base64`; raises `BadKeyRingError` without quoting a key."""
        keys: dict[str, AESGCM] = {}
        for part in text.split(","):
            key_id, _, encoded = part.strip().partition(":")
            try:
                secret = base64.b64decode(encoded, validate=True)
            except binascii.Error:
                raise BadKeyRingError from None
            if not key_id or "." in key_id or key_id in keys or len(secret) != KEY_BYTES:
                raise BadKeyRingError
            keys[key_id] = AESGCM(secret)
        return cls(keys)

    @property
    def first(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))

    def seal(self, content: Any, *, purpose: str) -> str:
        """Compress and encrypt a JSON value."""
        key_id, cipher = next(iter(self.keys.items()))
        nonce = os.urandom(NONCE_BYTES)
        sealed = cipher.encrypt(nonce, compressed(orjson.dumps(content)), _context(key_id, purpose))
        return f"{key_id}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def unseal(self, text: str, *, purpose: str) -> Any:
        """Give back what was sealed for `purpose`; raises `UnsealableError`."""
        key_id, _, encoded = text.partition(".")
        cipher = self.keys.get(key_id)
        if cipher is None:
            raise UnsealableError
        try:
            sealed = _decoded(encoded)
            packed = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _context(key_id, purpose))
        except (InvalidTag, ValueError):
            raise UnsealableError from None
        return orjson.loads(decompressed(packed))


def _decoded(encoded: str) -> bytes:
    """Decode base64url; raises `ValueError` for any other spelling of the same bytes."""
    decoded = base64.urlsafe_b64decode(encoded)
    # Python passes over what is no base64, and takes the other alphabet too.
    if base64.urlsafe_b64encode(decoded) != encoded.encode():
        raise ValueError
    return decoded


def new_key_ring(key_id: str = "k1") -> str:
    """Make the text of a ring with one new random key."""
    return f"{key_id}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def _context(key_id: str, purpose: str) -> bytes:
    return f"opencircle/1/{key_id}/{purpose}".encode()
