"""The way in over HTTP: what waits for a person, and pausing a connection."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.billing_bridge import schemas, use_cases, worklist
from services.billing_bridge.decisions import Decided, Decision
from services.billing_bridge.endpoints import Call, CurrentCall, shown_charge
from shared.web.bodies import json_response

router = APIRouter(prefix="/v1/billing", tags=["billing worklist"])


@router.get("/worklist", response_model=schemas.Worklist)
async def show_worklist(call: CurrentCall) -> Response:
    """Group what waits for a person, its connection or its time by the reason, the largest group first."""
    found = await worklist.groups(call.database, call.deed("worklist.read"))
    return json_response({"groups": [vars(one) for one in found]})


@router.post("/worklist/release", response_model=schemas.Progress)
async def release_together(call: CurrentCall, wanted: schemas.Together) -> Response:
    """Have the charges of a group, or of the whole worklist, pushed again; call until `next` is null."""
    return await _together(call, wanted, Decision.RELEASE, "charge.released")


@router.post("/worklist/cancel", response_model=schemas.Progress)
async def cancel_together(call: CurrentCall, wanted: schemas.Together) -> Response:
    """Take the charges of a group, or of the whole worklist, off it for good; call until `next` is null."""
    return await _together(call, wanted, Decision.CANCEL, "charge.cancelled")


@router.post("/charges/{charge_id}/cancel", response_model=schemas.WholeCharge)
async def cancel(call: CurrentCall, charge_id: UUID, why: schemas.Reason) -> Response:
    """Take a charge off for good: the user vouches that the other side does not bill it."""
    deed = call.deed("charge.cancelled")
    await use_cases.decide(call.database, deed, charge_id, decision=Decision.CANCEL, reason=why.reason)
    return await shown_charge(call, charge_id)


@router.post("/charges/{charge_id}/confirm", response_model=schemas.WholeCharge)
async def confirm(call: CurrentCall, charge_id: UUID, why: schemas.Reason) -> Response:
    """Say that an unknown charge was found at the other side (BILL-5)."""
    deed = call.deed("charge.confirmed")
    await use_cases.decide(call.database, deed, charge_id, decision=Decision.CONFIRM, reason=why.reason)
    return await shown_charge(call, charge_id)


@router.post("/connections/{system}/pause", response_model=schemas.Connection)
async def pause(call: CurrentCall, system: str, why: schemas.Reason) -> Response:
    """Push nothing more over a connection until it is resumed."""
    deed = call.deed("connection.paused")
    return json_response(await use_cases.pause_system(call.database, deed, system, reason=why.reason))


@router.post("/connections/{system}/resume", response_model=schemas.Connection)
async def resume(call: CurrentCall, system: str) -> Response:
    """Push again what has waited for a connection."""
    deed = call.deed("connection.resumed")
    return json_response(await use_cases.pause_system(call.database, deed, system, reason=None))


async def _together(call: Call, wanted: schemas.Together, decision: Decision, action: str) -> Response:
    decided = Decided(decision=decision, reason=wanted.reason, at=call.clock())
    which = worklist.Wanted(group=wanted.group, after=wanted.after, limit=wanted.limit)
    progress = await worklist.decide_together(call.database, call.deed(action), decided, which)
    skipped = [vars(one) for one in progress.skipped]
    return json_response({"decided": progress.decided, "skipped": skipped, "next": progress.next})
