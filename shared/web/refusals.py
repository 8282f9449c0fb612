"""Refusals leave a trace: who was refused what (PERM-8)."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI, Request, Response
from sqlalchemy import Table

from shared.clock import Clock
from shared.database.audit import NO_INSTANCE, Outcome, record_access
from shared.database.transactions import Database
from shared.web.identity import Identity
from shared.web.problems import ForbiddenProblem, Problem, StepUpProblem, problem_response
from shared.web.sealed import NotSealedProblem

REFUSALS: Final = (ForbiddenProblem, StepUpProblem, NotSealedProblem)


def audit_refusals(
    application: FastAPI,
    *,
    database: Database,
    trail: Table,
    clock: Clock,
    kinds: Sequence[type[Problem]] = REFUSALS,
) -> None:
    """Write each refusal into the audit trail, in its own transaction: the refused one is rolled back."""

    async def refused(request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)  # noqa: S101 - registered for these classes alone
        # Of whom only the message keys are asked, nobody is known.
        identity: Identity | None = request.scope.get("identity")
        instance_id = identity.instance_id if identity else NO_INSTANCE
        route: Any = request.scope["route"]
        ids = request.path_params
        patient_id = ids.get("patient_id")
        async with database.writing(instance_id) as db:
            await record_access(
                db,
                trail,
                at=clock(),
                user_id=identity.user_id if identity else None,
                action=f"{request.method} {route.path}"[:80],
                subject=next(iter(ids.values()), instance_id),
                patient_id=UUID(str(patient_id)) if patient_id else None,
                outcome=Outcome.REFUSED,
            )
        return problem_response(problem)

    for kind in kinds:
        application.add_exception_handler(kind, refused)
