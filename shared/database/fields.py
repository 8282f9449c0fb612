"""Fields that are sealed in the database: who takes a dump of it reads no clinical text and no identifier.

Envelope encryption. Each instance has data keys of its own in each service's database; they are stored
wrapped by the master keys of the setting OPENCIRCLE_FIELD_KEYS, which the database never sees. A sealed
field is `s<key version>.base64url(nonce + AES-256-GCM(text))`, authenticated together with its instance,
its place (`table.column`) and its row: a field that was moved to another row, column or instance does not
open. Long texts are compressed first (`z` instead of `s`): the database can't do it any more.
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid

from shared.compression import compressed, decompressed
from shared.database.columns import UtcDateTime
from shared.messaging.sealing import KeyRing
from shared.observability.metrics import FIELDS_UNOPENABLE

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32
BLIND_VERSION: Final = 0
"""The version of the key of blind indexes, which is never replaced: what is looked up must stay equal."""
FIRST_VERSION: Final = 1
USED_AFTER: Final = timedelta(minutes=5)
"""A new data key rests so long before it seals: by then every process has read it."""
PLAIN_KIND: Final = "s"
COMPRESSED_KIND: Final = "z"
COMPRESSED_FROM: Final = 1024
"""Bytes of UTF-8. Shorter texts stay as long as they are."""


class FieldUnsealableError(Exception):
    """A sealed field is not what was stored in its row and place, or its data key is gone.

    The message names the place and the row, and nothing of the content.
    """

    def __init__(self, place: str, row: UUID | str) -> None:
        super().__init__(f"{place} of {row}")
        self.place = place


def data_key_table(metadata: MetaData) -> Table:
    """Add the wrapped data keys of the instances to a service's tables."""
    return Table(
        "data_key",
        metadata,
        Column("instance_id", Uuid, primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("wrapped", Text, nullable=False),
        Column("used_from", UtcDateTime, nullable=False),
    )


@dataclass(frozen=True, kw_only=True)
class DataKey:
    """One key of an instance, open."""

    version: int
    secret: bytes = field(repr=False)
    used_from: datetime

    def wrapped_by(self, master_keys: KeyRing, instance_id: UUID) -> str:
        """Seal it for its row in the table."""
        return master_keys.seal(
            base64.b64encode(self.secret).decode(), purpose=_purpose(instance_id, self.version)
        )


def new_data_key(version: int, *, used_from: datetime) -> DataKey:
    """Make a random one."""
    return DataKey(version=version, secret=os.urandom(KEY_BYTES), used_from=used_from)


def unwrapped(wrapped: str, *, instance_id: UUID, version: int, used_from: datetime, by: KeyRing) -> DataKey:
    """Open a data key; raises `UnsealableError` when its master key is not in the ring."""
    secret = base64.b64decode(by.unseal(wrapped, purpose=_purpose(instance_id, version)))
    return DataKey(version=version, secret=secret, used_from=used_from)


def _purpose(instance_id: UUID, version: int) -> str:
    return f"data-key/{instance_id}/{version}"


def row_key(*parts: UUID | str | int) -> str:
    """Name the row of a composite key as it is bound to its fields: `<uuid>/<uuid>`, in the key's order."""
    return "/".join(str(part) for part in parts)


@dataclass(frozen=True, kw_only=True)
class Fields:
    """Seals and opens the fields of one instance."""

    instance_id: UUID
    sealing: int
    """The version that seals; every version opens."""
    ciphers: Mapping[int, AESGCM] = field(repr=False)
    blind_key: bytes = field(repr=False)

    def seal(self, text: str, *, place: str, row: UUID | str) -> str:
        """Encrypt the text of `place` (`table.column`) in the row of that key; see `row_key`."""
        kind, content, nonce = PLAIN_KIND, text.encode(), os.urandom(NONCE_BYTES)
        if len(content) >= COMPRESSED_FROM:
            kind, content = COMPRESSED_KIND, compressed(content)
        bound = self._bound(kind, self.sealing, place, row)
        sealed = nonce + self.ciphers[self.sealing].encrypt(nonce, content, bound)
        return f"{kind}{self.sealing}.{base64.urlsafe_b64encode(sealed).decode()}"

    def unseal(self, sealed: str, *, place: str, row: UUID | str) -> str:
        """Give back the text; raises `FieldUnsealableError`."""
        key, _, encoded = sealed.partition(".")
        kind = key[:1]
        try:
            version = int(key[1:])
            packed = base64.urlsafe_b64decode(encoded)
            content = self.ciphers[version].decrypt(
                packed[:NONCE_BYTES], packed[NONCE_BYTES:], self._bound(kind, version, place, row)
            )
        except (InvalidTag, KeyError, ValueError):
            FIELDS_UNOPENABLE.labels(place).inc()
            raise FieldUnsealableError(place, row) from None
        return (decompressed(content) if kind == COMPRESSED_KIND else content).decode()

    def seal_json(self, value: Any, *, place: str, row: UUID | str) -> str:
        """Encrypt a JSON value."""
        return self.seal(orjson.dumps(value).decode(), place=place, row=row)

    def unseal_json(self, sealed: str, *, place: str, row: UUID | str) -> Any:
        """Give back a JSON value; raises `FieldUnsealableError`."""
        return orjson.loads(self.unseal(sealed, place=place, row=row))

    def seal_any(self, text: str | None, *, place: str, row: UUID | str) -> str | None:
        """Encrypt a text that may be missing."""
        return None if text is None else self.seal(text, place=place, row=row)

    def unseal_any(self, sealed: str | None, *, place: str, row: UUID | str) -> str | None:
        """Give back a text that may be missing."""
        return None if sealed is None else self.unseal(sealed, place=place, row=row)

    def blind(self, value: str, *, place: str) -> str:
        """Give what a value is found by: equal for equal values of one place, and telling nothing else."""
        return hmac.new(self.blind_key, f"{place}\0{value}".encode(), hashlib.sha256).hexdigest()

    def _bound(self, kind: str, version: int, place: str, row: UUID | str) -> bytes:
        return f"{self._bound_to_instance}{kind}{version}/{place}/{row}".encode()

    @cached_property
    def _bound_to_instance(self) -> str:
        return f"opencircle/field/1/{self.instance_id}/"


def fields_from(keys: list[DataKey], *, instance_id: UUID, at: datetime) -> Fields:
    """Make them of all data keys of an instance, the blind one and at least one data key among them."""
    rested = [one.version for one in keys if one.version >= FIRST_VERSION and one.used_from <= at]
    return Fields(
        instance_id=instance_id,
        # The first key does not rest. Whoever made it may have had a clock that is ahead of this one.
        sealing=max(rested, default=FIRST_VERSION),
        ciphers={one.version: AESGCM(one.secret) for one in keys if one.version >= FIRST_VERSION},
        blind_key=next(one.secret for one in keys if one.version == BLIND_VERSION),
    )
