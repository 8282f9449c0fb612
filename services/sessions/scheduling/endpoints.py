"""Generation, schedules and assignments over HTTP."""

from datetime import date, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from services.sessions.directory.permissions import Action
from services.sessions.directory.use_cases import access_of, permit
from services.sessions.metadata import TRAIL
from services.sessions.requests import Call, CurrentCall, NameQuery
from services.sessions.scheduling import answers, assigning, schedules, views
from services.sessions.scheduling.assigning import Order, assign
from services.sessions.scheduling.schemas import (
    HORIZON_DAYS_AT_MOST,
    Horizon,
    NewAssignment,
    NewAssignments,
    NewEnd,
)
from services.sessions.scheduling.use_cases import generate_sessions
from services.sessions.templates.answers import Made
from services.sessions.templates.domain import WeeklyOccurrence
from services.sessions.templates.schemas import NewSchedule, ScheduleFacts
from shared.database.audit import record_access
from shared.database.transactions import Transaction
from shared.web.bodies import etag_of, json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit
from shared.web.preconditions import IfMatch
from shared.web.problems import InvalidProblem

router = APIRouter(tags=["scheduling"])

_SHOWN_DAYS: Final = timedelta(days=28)


@router.post("/v1/group-sessions/generation", response_model=answers.Generated)
async def post_generation(body: Horizon, call: CurrentCall) -> Response:
    """Make the sessions of all enabled templates for some days (TPL-3)."""
    ids = await generate_sessions(
        call.database, call.identity, since=body.since, until=body.until, clock=call.clock
    )
    return json_response({"session_ids": ids})


@router.post("/v1/schedules", status_code=201, response_model=Made)
async def post_schedule(body: NewSchedule, call: CurrentCall) -> Response:
    """Add a schedule template (SCH-1)."""
    schedule_id = await schedules.create_schedule(
        call.database,
        call.identity,
        location_id=body.location_id,
        title=body.title,
        occurrences=_occurrences(body),
        clock=call.clock,
    )
    return json_response({"id": schedule_id}, status=201, headers={"ETag": etag_of(1)})


async def _schedules_wanted(
    title: NameQuery = None, location_id: UUID | None = None, template_id: UUID | None = None
) -> views.SchedulesWanted:
    return views.SchedulesWanted(title=title, location_id=location_id, template_id=template_id)


SchedulesWanted = Annotated[views.SchedulesWanted, Depends(_schedules_wanted)]


@router.get("/v1/schedules", response_model=answers.SchedulePage)
async def get_schedules(
    call: CurrentCall, wanted: SchedulesWanted, cursor: Cursor = None, limit: Limit = DEFAULT_PAGE
) -> Response:
    """List schedule templates by title."""
    async with call.database.reading(call.identity.instance_id) as db:
        await access_of(db, call.identity)
        page = await views.schedules(db, wanted, cursor=cursor, limit=limit)
    return json_response(page.body())


@router.get("/v1/schedules/{schedule_id}", response_model=answers.ScheduleAnswer)
async def get_schedule(schedule_id: UUID, call: CurrentCall) -> Response:
    """Give one schedule template."""
    async with call.database.reading(call.identity.instance_id) as db:
        await access_of(db, call.identity)
        schedule = await views.schedule(db, schedule_id)
    return json_response(schedule, headers={"ETag": etag_of(schedule["version"])})


@router.put("/v1/schedules/{schedule_id}", status_code=204)
async def put_schedule(
    schedule_id: UUID, body: ScheduleFacts, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Replace title and occurrences over the version that was read; future rosters follow (SCH-5)."""
    version = await schedules.edit_schedule(
        call.database,
        call.identity,
        schedule_id,
        title=body.title,
        occurrences=_occurrences(body),
        if_match=if_match,
        clock=call.clock,
    )
    return Response(status_code=204, headers={"ETag": etag_of(version)})


@router.delete("/v1/schedules/{schedule_id}", status_code=204)
async def delete_schedule(schedule_id: UUID, call: CurrentCall, if_match: IfMatch = None) -> Response:
    """Delete a schedule template; future rosters follow (SCH-5)."""
    await schedules.delete_schedule(
        call.database, call.identity, schedule_id, if_match=if_match, clock=call.clock
    )
    return Response(status_code=204)


def _occurrences(body: ScheduleFacts) -> list[WeeklyOccurrence]:
    return [WeeklyOccurrence(**dict(one)) for one in body.occurrences]


@router.post("/v1/schedules/{schedule_id}/assignments", status_code=204)
async def post_assignment(schedule_id: UUID, body: NewAssignment, call: CurrentCall) -> Response:
    """Enrol patients in a schedule from a date on (SCH-2)."""
    order = Order(schedule_ids=(schedule_id,), **dict(body))
    await assign(call.database, call.identity, order, clock=call.clock)
    return Response(status_code=204)


@router.post("/v1/assignments", status_code=201, response_model=answers.Assigned)
async def post_assignments(body: NewAssignments, call: CurrentCall) -> Response:
    """Enrol patients in schedules, groups and single sessions together (SCH-2, SCH-3, SCH-4)."""
    ids = await assign(call.database, call.identity, Order(**dict(body)), clock=call.clock)
    return json_response({"ids": ids}, status=201)


@router.patch("/v1/assignments/{assignment_id}", status_code=204)
async def patch_assignment(
    assignment_id: UUID, body: NewEnd, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Set the last day of an assignment, over the version that was read (SCH-5)."""
    version = await assigning.change_end(
        call.database, call.identity, assignment_id, body.ends_on, if_match=if_match, clock=call.clock
    )
    return Response(status_code=204, headers={"ETag": etag_of(version)})


@router.get("/v1/assignments/{assignment_id}", response_model=answers.AssignmentAnswer)
async def get_assignment(assignment_id: UUID, call: CurrentCall) -> Response:
    """Give one assignment; its ETag is what a change of it names."""
    async with call.database.writing(call.identity.instance_id) as db:
        await permit(db, call.identity, Action.ASSIGN_SCHEDULES)
        assignment = await views.assignment(db, assignment_id)
        await _seen(db, call, "assignment.seen", assignment_id, patient_id=assignment["patient_id"])
    return json_response(assignment, headers={"ETag": etag_of(assignment["version"])})


@router.delete("/v1/assignments/{assignment_id}", status_code=204)
async def delete_assignment(assignment_id: UUID, call: CurrentCall, if_match: IfMatch = None) -> Response:
    """End an assignment now: future rosters are without the patient (SCH-5)."""
    await assigning.end_assignment(
        call.database, call.identity, assignment_id, if_match=if_match, clock=call.clock
    )
    return Response(status_code=204)


@router.get("/v1/patients/{patient_id}/assignments", response_model=answers.AssignmentPage)
async def get_assignments(
    patient_id: UUID,
    call: CurrentCall,
    on: date | None = None,
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE,
) -> Response:
    """List all that a patient is or was assigned to, or what runs on a day."""
    async with call.database.writing(call.identity.instance_id) as db:
        await permit(db, call.identity, Action.ASSIGN_SCHEDULES)
        page = await views.assignments_of(db, patient_id, on=on, cursor=cursor, limit=limit)
        await _seen(db, call, "assignments.seen", patient_id, patient_id=patient_id)
    return json_response(page.body())


async def _days(call: CurrentCall, since: date | None = None, until: date | None = None) -> tuple[date, date]:
    since = since or call.clock().date()
    until = until or min(since, date.max - _SHOWN_DAYS) + _SHOWN_DAYS
    if not 0 <= (until - since).days <= HORIZON_DAYS_AT_MOST:
        detail = f"must be since or later, by {HORIZON_DAYS_AT_MOST} days at most"
        raise InvalidProblem(
            "The days are not in order.", errors=[{"pointer": "query:until", "detail": detail}]
        )
    return since, until


@router.get("/v1/patients/{patient_id}/schedule", response_model=answers.PatientSessionPage)
async def get_patient_schedule(
    patient_id: UUID,
    call: CurrentCall,
    days: Annotated[tuple[date, date], Depends(_days)],
    cursor: Cursor = None,
    limit: Limit = DEFAULT_PAGE,
) -> Response:
    """Give a patient's sessions of some days, by default four weeks, with places in waiting lists."""
    since, until = days
    async with call.database.writing(call.identity.instance_id) as db:
        await permit(db, call.identity, Action.ASSIGN_SCHEDULES)
        page = await views.page_of_patient(
            db, patient_id, since=since, until=until, cursor=cursor, limit=limit
        )
        await _seen(db, call, "schedule.seen", patient_id, patient_id=patient_id)
    return json_response(page.body())


async def _seen(db: Transaction, call: Call, action: str, subject: UUID, *, patient_id: UUID) -> None:
    await record_access(
        db,
        TRAIL,
        at=call.clock(),
        user_id=call.identity.user_id,
        action=action,
        subject=subject,
        patient_id=patient_id,
    )
