"""`Idempotency-Key`: a POST that is sent again is done once, and answered as it was the first time.

After draft-ietf-httpapi-idempotency-key-header-07. The key is a user's own, and may be left out.
A key whose request never ended (its process died) stays unanswered: nobody can know whether it took
effect, and doing it again might do it twice.

A first answer is given again only to a caller who still may do what they could then, and is written down
in the audit trail. It lies sealed in the database: it may hold health data, or a secret that is shown once.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import (
    JSON,
    Column,
    Index,
    LargeBinary,
    MetaData,
    Row,
    SmallInteger,
    String,
    Table,
    Uuid,
    delete,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.clock import Clock
from shared.database.audit import Outcome, record_access
from shared.database.columns import UtcDateTime
from shared.database.dialects import upsert
from shared.database.transactions import Database, Transaction
from shared.messaging.sealing import KeyRing, UnsealableError
from shared.web.identity import Identity
from shared.web.problems import ConflictProblem, ForbiddenProblem, InvalidProblem

KEPT_FOR: Final = timedelta(hours=24)
KEPT_HEADERS: Final = frozenset({"content-type", "etag", "location", "cache-control"})
PURGED_AT_ONCE: Final = 100


def idempotency_table(metadata: MetaData) -> Table:
    """Add the first answers to a service's tables. A row without a status is of a request that goes on."""
    return Table(
        "idempotency_key",
        metadata,
        Column("id", Uuid, primary_key=True),  # made from instance, user and key
        Column("instance_id", Uuid, nullable=False),
        Column("user_id", Uuid, nullable=False),
        Column("request_sha256", String(64), nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("status", SmallInteger),
        Column("headers", JSON),
        Column("body", LargeBinary),
        Index("ix_idempotency_key_created_at", "created_at"),
    )


class KeyReusedProblem(InvalidProblem):
    """The key was sent with another request before (422)."""

    name, title = "idempotency-key-reused", "This Idempotency-Key belongs to another request"


class StillInProgressProblem(ConflictProblem):
    """The first request with this key has not ended (409)."""

    name, title = "idempotency-key-in-progress", "The first request with this Idempotency-Key has not ended"


class LostAnswerProblem(ConflictProblem):
    """The first answer was sealed with a key that is no longer in the ring (409)."""

    name, title = "idempotent-answer-lost", "The first answer can't be given again"


class AccessChangedProblem(ForbiddenProblem):
    """The caller may do less, more or nothing since the first answer (403)."""

    name, title = "access-changed", "What you may do has changed since the first answer"


@dataclass(frozen=True, kw_only=True)
class Keyed:
    """A request with a key, and who sent it."""

    identity: Identity
    key: str
    sha256: str
    """Of its method, address and body."""

    @property
    def row_id(self) -> UUID:
        """The same for the same key of the same user."""
        return uuid5(self.identity.user_id, f"{self.identity.instance_id}/{self.key}")


@dataclass(kw_only=True)
class Answer:
    """What was answered, as it goes over the wire, and what the trail tells when it is given again."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    action: str = ""
    subject: str = ""
    patient_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """A key that was taken, or the first answer to it."""

    access_version: int | None
    """Of what the caller may do; None: nothing."""
    first: Answer | None = None


@dataclass(frozen=True, kw_only=True)
class Idempotency:
    """First answers in a service's database, sealed and kept for 24 hours."""

    database: Database
    table: Table
    access: Table
    """What staff may do, as this service keeps it: `user_id`, `instance_id`, `version` and `active`."""
    trail: Table
    keys: KeyRing = field(repr=False)
    clock: Clock

    async def reserve(self, request: Keyed) -> Reserved:
        """Take the key for a request, or give its first answer and write that into the trail.

        Raises `KeyReusedProblem`, `StillInProgressProblem`, `LostAnswerProblem` or `AccessChangedProblem`.
        The row is committed before the request is served, so that of any number at once one is served.
        """
        values = {
            "id": request.row_id,
            "instance_id": request.identity.instance_id,
            "user_id": request.identity.user_id,
            "created_at": self.clock(),
        }
        async with self.database.writing(request.identity.instance_id) as db:
            values["request_sha256"] = keyed = self._keyed(db, request)
            await db.execute(self._purge())
            version = await self._access_version(db.connection, request.identity)
            insert = upsert(db.connection, self.table, values).on_conflict_do_nothing()
            if (await db.execute(insert)).rowcount == 1:
                return Reserved(access_version=version)
            known = select(self.table).where(self.table.c.id == request.row_id)
            row = (await db.execute(known)).one()
        # What a version before this one has kept is there for a day still, without the key.
        if row.request_sha256 not in {keyed, request.sha256}:
            raise KeyReusedProblem(
                "Use a new key for a new request; this one came with another path or body."
            )
        first, version_then = self._opened(row, request)
        await self._admit(
            request.identity, first, same_access=version is not None and version == version_then
        )
        return Reserved(access_version=version, first=first)

    async def keep(self, request: Keyed, answer: Answer, *, access_version: int | None) -> None:
        """Keep what was answered; only the headers that belong to the thing itself."""
        content = {
            "headers": {name: value for name, value in answer.headers.items() if name in KEPT_HEADERS},
            "body": base64.b64encode(answer.body).decode(),
            "action": answer.action,
            "subject": answer.subject,
            "patient_id": answer.patient_id,
            "access_version": access_version,
        }
        values = {
            "status": answer.status,
            "headers": {},
            "body": self.keys.seal(content, purpose=_purpose(request)).encode(),
        }
        async with self.database.writing(request.identity.instance_id) as db:
            mine = self.table.c.id == request.row_id
            await db.execute(update(self.table).where(mine).values(**values))

    async def release(self, request: Keyed) -> None:
        """Forget a request that had no effect: it may be sent again."""
        async with self.database.writing(request.identity.instance_id) as db:
            await db.execute(delete(self.table).where(self.table.c.id == request.row_id))

    async def _access_version(self, connection: AsyncConnection, identity: Identity) -> int | None:
        access = self.access.c
        mine = (access.user_id == identity.user_id) & (access.instance_id == identity.instance_id)
        version: int | None = await connection.scalar(select(access.version).where(mine, access.active))
        return version

    def _keyed(self, db: Transaction, request: Keyed) -> str:
        # Short requests could be guessed by who has the database and only a digest to compare with.
        return db.fields.blind(request.sha256, place=f"{self.table.name}.request_sha256")

    def _opened(self, row: Row[Any], request: Keyed) -> tuple[Answer, int | None]:
        if row.status is None:
            raise StillInProgressProblem(
                "Try again in a moment; if that goes on, read whether it took effect."
            )
        try:
            content = self.keys.unseal(row.body.decode("latin-1"), purpose=_purpose(request))
        except UnsealableError:
            raise LostAnswerProblem("Read whether the first request took effect.") from None
        return _answer(row.status, content), content["access_version"]

    async def _admit(self, identity: Identity, first: Answer, *, same_access: bool) -> None:
        async with self.database.writing(identity.instance_id) as db:
            await record_access(
                db,
                self.trail,
                at=self.clock(),
                user_id=identity.user_id,
                action=first.action,
                subject=first.subject or identity.instance_id,
                patient_id=first.patient_id,
                outcome=Outcome.ALLOWED if same_access else Outcome.REFUSED,
            )
        if not same_access:
            raise AccessChangedProblem(
                "Read whether the first request took effect, or send it with a new Idempotency-Key."
            )

    def _purge(self) -> Any:
        old = (
            select(self.table.c.id)
            .where(self.table.c.created_at < self.clock() - KEPT_FOR)
            .limit(PURGED_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
        return delete(self.table).where(self.table.c.id.in_(old))


def _answer(status: int, content: Mapping[str, Any]) -> Answer:
    return Answer(
        status=status,
        headers=content["headers"],
        body=base64.b64decode(content["body"]),
        action=content["action"],
        subject=content["subject"],
        patient_id=content["patient_id"] and UUID(content["patient_id"]),
    )


def _purpose(request: Keyed) -> str:
    # With the row's id in it, one user's answer can't be laid under another's key.
    return f"first answer {request.row_id}"
