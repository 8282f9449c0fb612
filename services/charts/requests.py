"""What every endpoint of this service takes from the request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from services.charts.access import Deed, Purpose
from shared.clock import Clock
from shared.database.transactions import Database
from shared.web.identity import Identity, current_identity

PurposeOfUse = Annotated[
    Purpose | None,
    Header(
        alias="Purpose-Of-Use",
        description="Why it is read, for the audit trail: a code of HL7's value set v3-PurposeOfUse.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One authenticated request: who asks, why, the database and the time of day."""

    identity: Identity
    database: Database
    clock: Clock
    purpose: Purpose | None

    def deed(self, action: str) -> Deed:
        """Name what is asked for, for the audit trail."""
        return Deed(identity=self.identity, action=action, at=self.clock(), purpose=self.purpose)


async def _call(request: Request, purpose: PurposeOfUse = None) -> Call:
    # A coroutine although it waits for nothing: FastAPI would run a plain function in a thread.
    state = request.app.state
    return Call(
        identity=current_identity(request), database=state.database, clock=state.clock, purpose=purpose
    )


CurrentCall = Annotated[Call, Depends(_call)]
