"""The way in over HTTP: the billing worklist, and where charges go."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import SecretStr

from services.billing_bridge import schemas, use_cases, views
from services.billing_bridge.decisions import Decision
from services.billing_bridge.feed import number_changes
from services.billing_bridge.outcomes import Status
from services.billing_bridge.pacing import Pace
from services.billing_bridge.use_cases import Deed, as_biller
from shared.clock import Clock
from shared.database.transactions import Database
from shared.events.staff import Scope
from shared.messaging.sealing import KeyRing
from shared.settings import Environment
from shared.web.bodies import etag_of, json_bytes
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit
from shared.web.identity import Identity, current_identity
from shared.web.problems import InvalidProblem, NotFoundProblem

READS: Final = Scope.CHARGES_READ
"""Enough for a service account, which follows charges and decides nothing."""

router = APIRouter(prefix="/v1/billing", tags=["billing"])


@dataclass(frozen=True, kw_only=True)
class Call:
    """One authenticated request and what it works on."""

    identity: Identity
    database: Database
    clock: Clock
    keys: KeyRing
    embedded: bool

    def deed(self, action: str) -> Deed:
        """Name what is asked for, for the audit trail."""
        return Deed(identity=self.identity, action=action, at=self.clock())


async def _call(request: Request) -> Call:
    # A coroutine although it waits for nothing: FastAPI would run a plain function in a thread.
    state = request.app.state
    return Call(
        identity=current_identity(request),
        database=state.database,
        clock=state.clock,
        keys=state.connection_keys,
        embedded=state.settings.environment is Environment.EMBEDDED,
    )


CurrentCall = Annotated[Call, Depends(_call)]


@router.get("/charges", response_model=schemas.ChargePage)
async def list_charges(
    call: CurrentCall,
    *,
    status: Status | None = None,
    session_id: UUID | None = None,
    patient_id: UUID | None = None,
    changed_since: Cursor = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE,
) -> Response:
    """List charges, oldest first; of one status, session or patient if asked so (BILL-7).

    With `changed_since` it is the feed of changes, and only `limit` may be asked with it: empty at first,
    then always the `next` of the page before, which is never null. Each charge comes after its last
    change, as it stands then; changes in between may be left out. No change is missed.
    """
    if changed_since is not None:
        others = (status, session_id, patient_id, cursor)
        return await _changed(call, changed_since, limit=limit, others=others)
    wanted = views.Wanted(
        status=status, session_id=session_id, patient_id=patient_id, cursor=cursor, limit=limit
    )
    subject = session_id or patient_id or call.identity.instance_id
    deed = call.deed("charges.listed")
    async with as_biller(call.database, deed, subject=subject, patient_id=patient_id, scope=READS) as db:
        return _json(await views.charge_page(db, wanted))


async def _changed(call: Call, since: str, *, limit: int, others: Iterable[object]) -> Response:
    if any(one is not None for one in others):
        raise InvalidProblem(
            "The feed of changes is of all charges.",
            errors=[{"pointer": "query:changed_since", "detail": "give it alone, with `limit` if wanted"}],
        )
    deed = call.deed("charges.followed")
    async with as_biller(call.database, deed, subject=call.identity.instance_id, scope=READS) as db:
        await number_changes(db)
        return _json(await views.changed_page(db, since=since, limit=limit))


@router.get("/charges/{charge_id}", response_model=schemas.WholeCharge)
async def show_charge(call: CurrentCall, charge_id: UUID) -> Response:
    """Give one charge with its history and every attempt to push it."""
    return await shown_charge(call, charge_id)


@router.post("/charges/{charge_id}/hold", response_model=schemas.WholeCharge)
async def hold(call: CurrentCall, charge_id: UUID, why: schemas.Reason) -> Response:
    """Keep a charge from being pushed."""
    deed = call.deed("charge.held")
    await use_cases.decide(call.database, deed, charge_id, decision=Decision.HOLD, reason=why.reason)
    return await shown_charge(call, charge_id)


@router.post("/charges/{charge_id}/release", response_model=schemas.WholeCharge)
async def release(call: CurrentCall, charge_id: UUID, why: schemas.Reason) -> Response:
    """Have a held, unknown or rejected charge pushed."""
    deed = call.deed("charge.released")
    await use_cases.decide(call.database, deed, charge_id, decision=Decision.RELEASE, reason=why.reason)
    return await shown_charge(call, charge_id)


@router.get("/counts", response_model=schemas.Counts)
async def count_charges(call: CurrentCall) -> Response:
    """Count charges by status."""
    async with as_biller(
        call.database, call.deed("charges.counted"), subject=call.identity.instance_id
    ) as db:
        return _json(await views.counts(db))


@router.get("/connections", response_model=schemas.Connections)
async def list_connections(call: CurrentCall) -> Response:
    """List the billing systems of this instance."""
    async with as_biller(
        call.database, call.deed("connections.listed"), subject=call.identity.instance_id
    ) as db:
        return _json(json_bytes({"connections": await views.connections(db)}))


@router.put("/connections/{system}", response_model=schemas.ConnectionPut)
async def put_connection(call: CurrentCall, system: str, change: schemas.ConnectionChange) -> Response:
    """Set where charges for a billing system go."""
    wanted = use_cases.WantedConnection(
        url=change.url,
        deduplicates=change.deduplicates,
        active=change.active,
        secret=_opened(change.secret),
        client_certificate=_opened(change.client_certificate),
        settings=change.settings,
        notice=change.notice,
        pace=Pace.of(change.pacing.model_dump()),
    )
    deed = call.deed("connection.set")
    made = await use_cases.connect_system(
        call.database, deed, system, wanted, keys=call.keys, embedded=call.embedded
    )
    async with call.database.reading(call.identity.instance_id) as db:
        now = next(one for one in await views.connections(db) if one["system"] == system)
    return _json(json_bytes(now | {"secret": made}))


def _opened(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


async def shown_charge(call: Call, charge_id: UUID) -> Response:
    """Answer with one whole charge, and its version as ETag."""
    # Looked for first, so that the audit trail names the patient concerned.
    async with call.database.reading(call.identity.instance_id) as db:
        shown = await views.one_charge(db, charge_id)
    patient_id = shown.patient_id if shown else None
    deed = call.deed("charge.read")
    async with as_biller(call.database, deed, subject=charge_id, patient_id=patient_id, scope=READS):
        if shown is None:
            raise NotFoundProblem("There is no such charge.")
    return _json(shown.body, headers={"ETag": etag_of(shown.version)})


def _json(body: bytes, headers: dict[str, str] | None = None) -> Response:
    # Health data: no cache may keep it.
    return Response(
        body, media_type="application/json", headers={"Cache-Control": "no-store", **(headers or {})}
    )
