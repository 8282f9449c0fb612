"""Service accounts over HTTP."""

from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.requests import CurrentCall
from services.sessions.service_accounts import schemas
from services.sessions.service_accounts.use_cases import add_account, end_account, list_accounts
from shared.web.bodies import json_response

router = APIRouter(prefix="/v1/service-accounts", tags=["service accounts"])


@router.get("", response_model=schemas.ServiceAccounts)
async def get_accounts(call: CurrentCall) -> Response:
    """List the accounts of other systems, newest first."""
    return json_response({"items": await list_accounts(call.database, call.identity)})


@router.post("", status_code=201, response_model=schemas.ServiceAccount)
async def post_account(body: schemas.NewServiceAccount, call: CurrentCall) -> Response:
    """Add an account for another system, which reads what its scopes say and nothing else."""
    added = await add_account(call.database, call.identity, dict(body), issuer=call.issuer, clock=call.clock)
    return json_response(added, status=201)


@router.post("/{account_id}/end", status_code=204)
async def post_end(account_id: UUID, call: CurrentCall) -> Response:
    """End an account for good, everywhere."""
    await end_account(call.database, call.identity, account_id, clock=call.clock)
    return Response(status_code=204)
