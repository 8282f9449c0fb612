"""The way in over HTTP: deliveries that no consumer could apply."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.deliveries import use_cases
from services.sessions.deliveries.schemas import Chosen, Decided, Parked, ShownDelivery, Skipping
from services.sessions.requests import CurrentCall
from shared.messaging.parked import Which
from shared.web.bodies import json_response

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])


@router.get("/parked", response_model=Parked)
async def show_parked(call: CurrentCall) -> Response:
    """Group parked deliveries by consumer, type and reason, the largest group first; Super Admins only."""
    groups = await use_cases.read_parked(call.database, call.identity)
    return json_response({"groups": [vars(one) for one in groups]})


@router.get("/{delivery_id}", response_model=ShownDelivery)
async def show_delivery(call: CurrentCall, delivery_id: UUID) -> Response:
    """Give where a delivery stands and its timeline, without health data."""
    return json_response(
        await use_cases.read_delivery(call.database, call.identity, delivery_id, clock=call.clock)
    )


@router.post("/retry", response_model=Decided)
async def retry(call: CurrentCall, chosen: Chosen) -> Response:
    """Open parked deliveries again: one, a group, or all."""
    ids = await use_cases.retry_parked(call.database, call.identity, _which(chosen), clock=call.clock)
    return json_response({"deliveries": len(ids)})


@router.post("/skip", response_model=Decided)
async def skip(call: CurrentCall, skipping: Skipping) -> Response:
    """Leave parked deliveries out for good, with a reason that stays in their timelines."""
    ids = await use_cases.skip_parked(
        call.database, call.identity, _which(skipping), reason=skipping.reason, clock=call.clock
    )
    return json_response({"deliveries": len(ids)})


def _which(chosen: Chosen) -> Which:
    return Which(delivery_id=chosen.delivery_id, group=chosen.group)
