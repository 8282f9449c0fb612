"""Staff over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.sessions.directory import answers, staffing, views
from services.sessions.directory.schemas import Access, NewLogin, NewStaffMember, StaffChange
from services.sessions.directory.use_cases import access_of, grant_access, set_login
from services.sessions.requests import CurrentCall, NameQuery
from shared.events.staff import Role
from shared.web.bodies import etag_of, json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit
from shared.web.preconditions import IfMatch

router = APIRouter(prefix="/v1/directory", tags=["directory"])


async def _staff_wanted(
    name: NameQuery = None,
    active: bool | None = None,  # noqa: FBT001 - a query parameter
    role: Role | None = None,
) -> views.StaffWanted:
    return views.StaffWanted(name=name, active=active, role=role)


StaffWanted = Annotated[views.StaffWanted, Depends(_staff_wanted)]


@router.get("/staff", response_model=answers.StaffPage)
async def list_staff(
    call: CurrentCall, wanted: StaffWanted, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """List staff by name."""
    async with call.database.reading(call.identity.instance_id) as db:
        await access_of(db, call.identity)
        page = await views.staff(db, wanted, cursor=cursor, limit=limit)
    return json_response(page.body())


@router.post("/staff", status_code=201, response_model=answers.StaffAnswer)
async def post_member(body: NewStaffMember, call: CurrentCall) -> Response:
    """Add a member of staff, who may do nothing until roles or features are set."""
    member = await staffing.add_member(
        call.database, call.identity, dict(body), issuer=call.issuer, clock=call.clock
    )
    return _member(member, status=201)


@router.get("/staff/{user_id}", response_model=answers.StaffAnswer)
async def get_member(user_id: UUID, call: CurrentCall) -> Response:
    """Give one member of staff."""
    return _member(await staffing.read_member(call.database, call.identity, user_id))


@router.patch("/staff/{user_id}", response_model=answers.StaffAnswer)
async def patch_member(
    user_id: UUID, body: StaffChange, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Change a member of staff over the version that was read; who is not active loses all access."""
    member = await staffing.change_member(
        call.database,
        call.identity,
        user_id,
        body.stated(),
        issuer=call.issuer,
        if_match=if_match,
        clock=call.clock,
    )
    return _member(member)


def _member(member: dict[str, Any], *, status: int = 200) -> Response:
    return json_response(member, status=status, headers={"ETag": etag_of(member["version"])})


@router.put("/staff/{user_id}/access", response_model=answers.Me)
async def put_access(user_id: UUID, body: Access, call: CurrentCall, if_match: IfMatch = None) -> Response:
    """Set a user's roles and features (PERM-6 is refused).

    `If-Match` may name the member's ETag that was read; the answer has the new one.
    """
    granted = await grant_access(
        call.database,
        call.identity,
        user_id,
        roles=body.roles,
        features=body.features,
        if_match=if_match,
        clock=call.clock,
    )
    return json_response(answers.me(granted.access), headers={"ETag": etag_of(granted.member_version)})


@router.put("/staff/{user_id}/login", status_code=204)
async def put_login(user_id: UUID, body: NewLogin, call: CurrentCall) -> Response:
    """Give a member of staff a login of the built-in issuer."""
    await set_login(
        call.database,
        call.identity,
        user_id,
        login=body.login,
        password=body.password.get_secret_value(),
        clock=call.clock,
    )
    return Response(status_code=204)
