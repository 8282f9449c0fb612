"""Users by the names that the issuer of access tokens has for them, which the directory knows."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select

from shared.database.transactions import Database
from shared.web.identity import Claims
from shared.web.problems import ForbiddenProblem

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class ExternalSubjects:
    """Finds users by an issuer's own subjects, in this service's own database."""

    database: Database
    user_id: ColumnElement[UUID]
    """Of a table that has `instance_id`, `active`, `external_issuer` and `external_subject` too."""
    subject_claim: str
    instance_claim: str

    async def __call__(self, claims: Claims) -> tuple[UUID, UUID]:
        """Give user and instance.

        A token that names no instance is taken where one alone has its subject. Raises
        `ForbiddenProblem`, and like other broken claims `KeyError`, `TypeError` or `ValueError`.
        """
        subject, named = claims[self.subject_claim], claims.get(self.instance_claim)
        if not isinstance(subject, str):
            raise TypeError
        instance_id = UUID(named) if named is not None else None
        found = await self._found(claims["iss"], subject, instance_id)
        if len(found) != 1:
            # Its subject is not logged: it may be a name.
            log.warning("A token speaks for nobody here, or for several.", code="token.subject_unknown")
            raise ForbiddenProblem("Nobody, or more than one, on the staff is known by this token's subject.")
        return found[0].user_id, found[0].instance_id

    async def _found(self, issuer: str, subject: str, instance_id: UUID | None) -> Any:
        table: Any = self.user_id.table
        statement = select(self.user_id.label("user_id"), table.c.instance_id).where(
            table.c.external_issuer == issuer, table.c.external_subject == subject, table.c.active
        )
        if instance_id is not None:
            statement = statement.where(table.c.instance_id == instance_id)
        # Like a login, it does not know its instance yet.
        async with self.database.reading_for_all() as connection:
            return (await connection.execute(statement.limit(2))).all()
