"""Heads of chains, signed and kept where who can change the database can't: an end that was cut off shows."""

import base64
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

PRIVATE_MODE: Final = 0o600


class BadAnchorKeyError(Exception):
    """An anchor's key is an Ed25519 key in PEM: `openssl genpkey -algorithm ed25519`."""

    def __str__(self) -> str:
        """Give the sentence."""
        return self.__doc__ or ""


class BadAnchorError(Exception):
    """A line of the anchors is not what was signed."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} of the anchors is not what was signed")
        self.line = line


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last link of an instance's chain in one service, at a moment."""

    service: str
    instance_id: UUID
    sequence: int
    hash: bytes
    at: datetime


def read_private_key(pem: str) -> Ed25519PrivateKey:
    """Read the key that signs; raises `BadAnchorKeyError`."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except ValueError:
        raise BadAnchorKeyError from None
    if not isinstance(key, Ed25519PrivateKey):
        raise BadAnchorKeyError
    return key


def read_public_key(pem: str) -> Ed25519PublicKey:
    """Read the key that proves; a private one has it too. Raises `BadAnchorKeyError`."""
    if "PRIVATE" in pem:
        return read_private_key(pem).public_key()
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError:
        raise BadAnchorKeyError from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadAnchorKeyError
    return key


def sign(heads: Iterable[Head], key: Ed25519PrivateKey) -> bytes:
    """Give one JSON line for each head, with its signature over the RFC 8785 form of the rest."""
    lines = [said | {"signature": _text(key.sign(rfc8785.dumps(said)))} for said in map(_said, heads)]
    return b"".join(rfc8785.dumps(line) + b"\n" for line in lines)


def append(path: Path, lines: bytes) -> None:
    """Add lines to the end of a file, in one write that is on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, PRIVATE_MODE)
    try:
        os.write(descriptor, lines)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_anchors(text: bytes, key: Ed25519PublicKey) -> Iterator[Head]:
    """Give the heads in the anchors, each proved; raises `BadAnchorError`, which names the line."""
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            said: dict[str, Any] = orjson.loads(line)
            signature = base64.b64decode(said.pop("signature"))
            key.verify(signature, rfc8785.dumps(said))
            head = Head(
                service=said["service"],
                instance_id=UUID(said["instance"]),
                sequence=said["sequence"],
                hash=bytes.fromhex(said["hash"]),
                at=datetime.fromisoformat(said["time"]),
            )
        except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError):
            raise BadAnchorError(number) from None
        yield head


def _said(head: Head) -> dict[str, Any]:
    return {
        "service": head.service,
        "instance": str(head.instance_id),
        "sequence": head.sequence,
        "hash": head.hash.hex(),
        "time": head.at.isoformat(timespec="seconds"),
    }


def _text(signature: bytes) -> str:
    return base64.b64encode(signature).decode()
