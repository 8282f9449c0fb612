"""Templates and schedules over HTTP."""

from fastapi import APIRouter, Response

from services.sessions.requests import CurrentCall
from services.sessions.templates.domain import Template, WeeklyOccurrence
from services.sessions.templates.schemas import NewSchedule, NewTemplate
from services.sessions.templates.use_cases import create_schedule, create_template
from shared.identifiers import new_id
from shared.web.bodies import json_response

router = APIRouter(tags=["templates"])


@router.post("/v1/templates", status_code=201)
async def post_template(body: NewTemplate, call: CurrentCall) -> Response:
    """Add a group session template (TPL-1)."""
    billing = body.billing.model_dump(mode="json") if body.billing else None
    template = Template(id=new_id(), **dict(body) | {"billing": billing})
    await create_template(call.database, call.identity, template, clock=call.clock)
    return json_response({"id": template.id}, status=201)


@router.post("/v1/schedules", status_code=201)
async def post_schedule(body: NewSchedule, call: CurrentCall) -> Response:
    """Add a schedule template (SCH-1)."""
    schedule_id = await create_schedule(
        call.database,
        call.identity,
        location_id=body.location_id,
        title=body.title,
        occurrences=[WeeklyOccurrence(**dict(one)) for one in body.occurrences],
        clock=call.clock,
    )
    return json_response({"id": schedule_id}, status=201)
