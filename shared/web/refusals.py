"""Refusals leave a trace: who was refused what (PERM-8)."""

from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request, Response
from sqlalchemy import Table

from shared.clock import Clock
from shared.database.audit import Outcome, record_access
from shared.database.transactions import Database
from shared.web.identity import current_identity
from shared.web.problems import ForbiddenProblem, problem_response


def audit_refusals(application: FastAPI, *, database: Database, trail: Table, clock: Clock) -> None:
    """Write every 403 into the audit trail, in a transaction of its own: the refused one is rolled back."""

    async def refused(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, ForbiddenProblem)  # noqa: S101 - registered for this class alone
        identity = current_identity(request)
        route: Any = request.scope["route"]
        ids = request.path_params
        patient_id = ids.get("patient_id")
        async with database.writing(identity.instance_id) as db:
            await record_access(
                db,
                trail,
                at=clock(),
                user_id=identity.user_id,
                action=f"{request.method} {route.path}"[:80],
                subject=next(iter(ids.values()), identity.instance_id),
                patient_id=UUID(patient_id) if patient_id else None,
                outcome=Outcome.REFUSED,
            )
        return problem_response(problem)

    application.add_exception_handler(ForbiddenProblem, refused)
