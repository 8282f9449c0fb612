"""Templates over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.sessions.directory.use_cases import access_of
from services.sessions.requests import CurrentCall, NameQuery
from services.sessions.templates import answers, use_cases, views
from services.sessions.templates.domain import Template
from services.sessions.templates.schemas import ChangedOccurrence, NewTemplate, TemplateFacts
from shared.identifiers import new_id
from shared.web.bodies import etag_of, json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit
from shared.web.preconditions import IfMatch
from shared.web.shapes import Day

router = APIRouter(prefix="/v1/templates", tags=["templates"])


async def _templates_wanted(
    title: NameQuery = None,
    location_id: UUID | None = None,
    leader_id: UUID | None = None,
    enabled: bool | None = None,  # noqa: FBT001 - a query parameter
) -> views.TemplatesWanted:
    return views.TemplatesWanted(title=title, location_id=location_id, leader_id=leader_id, enabled=enabled)


TemplatesWanted = Annotated[views.TemplatesWanted, Depends(_templates_wanted)]


@router.post("", status_code=201, response_model=answers.Made)
async def post_template(body: NewTemplate, call: CurrentCall) -> Response:
    """Add a group session template (TPL-1); its first sessions are there at once."""
    template = _template(new_id(), body)
    await use_cases.create_template(call.database, call.identity, template, plan=call.plan, clock=call.clock)
    return json_response({"id": template.id}, status=201, headers={"ETag": etag_of(1)})


@router.get("", response_model=answers.TemplatePage)
async def get_templates(
    call: CurrentCall, wanted: TemplatesWanted, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> Response:
    """List templates by title."""
    async with call.database.reading(call.identity.instance_id) as db:
        await access_of(db, call.identity)
        page = await views.templates(db, wanted, cursor=cursor, limit=limit)
    return json_response(page.body())


@router.get("/{template_id}", response_model=answers.WholeTemplateAnswer)
async def get_template(template_id: UUID, call: CurrentCall) -> Response:
    """Give one template, with its moved and cancelled occurrences."""
    async with call.database.reading(call.identity.instance_id) as db:
        await access_of(db, call.identity)
        template = await views.template(db, template_id)
    return json_response(template, headers={"ETag": etag_of(template["version"])})


@router.put("/{template_id}", status_code=204)
async def put_template(
    template_id: UUID, body: TemplateFacts, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Replace a template over the version that was read; only what has not started follows (TPL-3)."""
    template = _template(template_id, body)
    version = await use_cases.edit_template(
        call.database, call.identity, template, if_match=if_match, plan=call.plan, clock=call.clock
    )
    return _written(version)


@router.delete("/{template_id}", status_code=204)
async def delete_template(template_id: UUID, call: CurrentCall, if_match: IfMatch = None) -> Response:
    """Delete a template: what is to come is cancelled, what was documented is kept (TPL-3)."""
    await use_cases.delete_template(
        call.database, call.identity, template_id, if_match=if_match, plan=call.plan, clock=call.clock
    )
    return Response(status_code=204)


@router.put("/{template_id}/occurrences/{on}", status_code=204)
async def put_occurrence(
    template_id: UUID, on: Day, body: ChangedOccurrence, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Move or cancel one occurrence, named by the day on which the series has it (TPL-5)."""
    version = await use_cases.change_occurrence(
        call.database,
        call.identity,
        template_id,
        on,
        moved_to=None if body.cancelled else body.moved_to or on,
        starts_at=body.starts_at,
        location_id=body.location_id,
        if_match=if_match,
        plan=call.plan,
        clock=call.clock,
    )
    return _written(version)


@router.delete("/{template_id}/occurrences/{on}", status_code=204)
async def delete_occurrence_change(
    template_id: UUID,
    on: Day,
    call: CurrentCall,
    location_id: UUID | None = None,
    if_match: IfMatch = None,
) -> Response:
    """Put one occurrence back to where the series has it, at one location or at all."""
    version = await use_cases.restore_occurrence(
        call.database,
        call.identity,
        template_id,
        on,
        location_id=location_id,
        if_match=if_match,
        plan=call.plan,
        clock=call.clock,
    )
    return _written(version)


def _written(version: int) -> Response:
    return Response(status_code=204, headers={"ETag": etag_of(version)})


def _template(template_id: UUID, body: TemplateFacts) -> Template:
    billing = body.billing.model_dump(mode="json") if body.billing else None
    places = tuple(dict.fromkeys(body.location_ids))
    facts = dict(body) | {"billing": billing, "location_ids": places}
    return Template(id=template_id, home_id=places[0], **facts)
