"""What every endpoint of this service takes from the request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request

from services.sessions.directory.known_patients import KnownPatients
from services.sessions.documentation.billing_preview import Previews
from services.sessions.templates.use_cases import Plan
from shared.clock import Clock
from shared.database.transactions import Database
from shared.web.identity import Identity, current_identity
from shared.web.kept_bodies import KeptBodies
from shared.web.shapes import Storable


@dataclass(frozen=True, kw_only=True)
class Call:
    """One authenticated request: who asks, the database and the time of day."""

    identity: Identity
    database: Database
    clock: Clock
    plan: Plan
    previews: Previews
    bodies: KeptBodies
    known_patients: KnownPatients
    issuer: str
    """Of the access tokens."""


async def _call(request: Request) -> Call:
    # A coroutine although it waits for nothing: FastAPI would run a plain function in a thread.
    state = request.app.state
    return Call(
        identity=current_identity(request),
        database=state.database,
        clock=state.clock,
        plan=state.plan,
        previews=state.previews,
        bodies=state.bodies,
        known_patients=state.known_patients,
        issuer=state.settings.issuer,
    )


CurrentCall = Annotated[Call, Depends(_call)]

NameQuery = Annotated[Storable | None, Query(min_length=1, max_length=200)]
"""The beginning of a name or title, any case."""
