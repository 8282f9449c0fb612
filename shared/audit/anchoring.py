"""Anchors the heads of a trail's chains where the settings say."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Table, func, select

from shared.audit.anchors import Head, append, read_private_key, sign
from shared.audit.settings import AnchorSettings
from shared.database.audit import links_of
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.objects.bucket import Objects


class Place(Protocol):
    """Where anchors are kept: out of reach of who can change the database."""

    async def add(self, lines: bytes, *, service: str) -> None:
        """Add lines for good; raises `OSError`."""


@dataclass(frozen=True)
class AnchorFile:
    """A file that only grows."""

    path: Path

    async def add(self, lines: bytes, *, service: str) -> None:
        """Add lines, on the disk when this returns."""
        del service
        await asyncio.to_thread(append, self.path, lines)


@dataclass(frozen=True)
class AnchorBucket:
    """A bucket that gets an object each time: with object lock nobody can take it out again."""

    objects: Objects

    async def add(self, lines: bytes, *, service: str) -> None:
        """Put them into an object of their own; names are in the order of time."""
        await self.objects.put(f"anchors/{service}/{new_id()}.jsonl", lines)


@dataclass(frozen=True, kw_only=True)
class Anchoring:
    """Anchors the chains of one service."""

    service: str
    database: Database
    trail: Table
    key: Ed25519PrivateKey
    place: Place

    async def anchor(self, *, at: datetime) -> int:
        """Sign the head of every chain and keep it; give how many."""
        heads = await heads_now(self.database, self.trail, service=self.service, at=at)
        if heads:
            await self.place.add(sign(heads, self.key), service=self.service)
        return len(heads)


def open_anchoring(
    settings: AnchorSettings, *, service: str, database: Database, trail: Table
) -> Anchoring | None:
    """Give what anchors where the settings say; None where they name no key."""
    if settings.key is None:
        return None
    bucket = settings.open_bucket()
    place: Place = AnchorBucket(bucket) if bucket else AnchorFile(settings.file or Path())
    key = read_private_key(settings.key.get_secret_value())
    return Anchoring(service=service, database=database, trail=trail, key=key, place=place)


async def heads_now(database: Database, trail: Table, *, service: str, at: datetime) -> list[Head]:
    """Give the last link of every chain."""
    link = links_of(trail)
    last = select(link.c.instance_id, func.max(link.c.sequence).label("sequence"))
    last_of_each = last.group_by(link.c.instance_id).subquery("last")
    is_last = (link.c.instance_id == last_of_each.c.instance_id) & (
        link.c.sequence == last_of_each.c.sequence
    )
    async with database.reading_for_all() as connection:
        rows = (await connection.execute(select(link).join(last_of_each, is_last))).all()
    return [_head(service, row.instance_id, row.sequence, row.hash, at) for row in rows]


def _head(service: str, instance_id: UUID, sequence: int, hash_: bytes, at: datetime) -> Head:
    return Head(service=service, instance_id=instance_id, sequence=sequence, hash=hash_, at=at)
