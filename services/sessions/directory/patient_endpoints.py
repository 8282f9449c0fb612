"""Patients, their care teams and caseloads over HTTP."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from services.sessions.directory import answers, care_teams, patients, views
from services.sessions.directory.domain import CareTeamMember
from services.sessions.directory.models import STAFF_MEMBER
from services.sessions.directory.permissions import Action
from services.sessions.directory.schemas import CareTeam, NewPatient, PatientChange, PatientSearch
from services.sessions.directory.use_cases import permit
from services.sessions.directory.versioned import one
from services.sessions.metadata import TRAIL
from services.sessions.requests import Call, CurrentCall
from shared.database.audit import record_access_to
from shared.database.transactions import Transaction
from shared.web.bodies import etag_of, json_response
from shared.web.cursors import DEFAULT_PAGE, Cursor, Limit, Page
from shared.web.preconditions import IfMatch

router = APIRouter(prefix="/v1/directory", tags=["directory"])


@router.get("/patients", response_model=answers.PatientPage)
async def list_patients(
    call: CurrentCall, location_id: UUID | None = None, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """List patients by name; the reading is audited."""
    wanted = views.PatientsWanted(location_id=location_id)
    return await _list(call, wanted, cursor=cursor, limit=limit)


@router.post("/patients/search", response_model=answers.PatientPage)
async def search_patients(body: PatientSearch, call: CurrentCall) -> Response:
    """List the patients that fit; a body and no query, because addresses are logged by everybody."""
    wanted = views.PatientsWanted(name=body.name, mrn=body.mrn, location_id=body.location_id)
    return await _list(call, wanted, cursor=body.cursor, limit=body.limit)


async def _list(call: Call, wanted: views.PatientsWanted, *, cursor: str | None, limit: int) -> Response:
    async with call.database.writing(call.identity.instance_id) as db:
        await permit(db, call.identity, Action.SEE_PATIENTS)
        page = await views.patients(db, wanted, call.known_patients, cursor=cursor, limit=limit)
        await _listed(db, call, "patients.listed", db.instance_id, page)
    return json_response(page.body())


@router.get("/staff/{user_id}/caseload", response_model=answers.PatientPage)
async def list_caseload(
    user_id: UUID, call: CurrentCall, limit: Limit = DEFAULT_PAGE, cursor: Cursor = None
) -> Response:
    """List the patients whose Primary Therapist a user is; the reading is audited."""
    wanted = views.PatientsWanted(primary_therapist_id=user_id)
    async with call.database.writing(call.identity.instance_id) as db:
        await permit(db, call.identity, Action.SEE_PATIENTS)
        await one(db, STAFF_MEMBER, user_id)
        page = await views.patients(db, wanted, call.known_patients, cursor=cursor, limit=limit)
        await _listed(db, call, "caseload.listed", user_id, page)
    return json_response(page.body())


async def _listed(db: Transaction, call: Call, action: str, subject: UUID, page: Page) -> None:
    await record_access_to(
        db,
        TRAIL,
        patient_ids=[patient["id"] for patient in page.items],
        at=call.clock(),
        user_id=call.identity.user_id,
        action=action,
        subject=subject,
    )


@router.post("/patients", status_code=201, response_model=answers.PatientAnswer)
async def post_patient(body: NewPatient, call: CurrentCall) -> Response:
    """Add a patient."""
    patient = await patients.add_patient(call.database, call.identity, dict(body), clock=call.clock)
    return _patient(patient, status=201)


@router.get("/patients/{patient_id}", response_model=answers.PatientAnswer)
async def get_patient(patient_id: UUID, call: CurrentCall) -> Response:
    """Give one patient."""
    return _patient(await patients.read_patient(call.database, call.identity, patient_id, clock=call.clock))


@router.patch("/patients/{patient_id}", response_model=answers.PatientAnswer)
async def patch_patient(
    patient_id: UUID, body: PatientChange, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Change a patient over the version that was read: names, admission, discharge, death, location."""
    patient = await patients.change_patient(
        call.database, call.identity, patient_id, body.stated(), if_match=if_match, clock=call.clock
    )
    return _patient(patient)


def _patient(patient: dict[str, Any], *, status: int = 200) -> Response:
    return json_response(patient, status=status, headers={"ETag": etag_of(patient["version"])})


@router.get("/patients/{patient_id}/care-team", response_model=answers.CareTeamAnswer)
async def get_care_team(patient_id: UUID, call: CurrentCall) -> Response:
    """Give who looks after a patient."""
    return _team(await care_teams.read_care_team(call.database, call.identity, patient_id, clock=call.clock))


@router.put("/patients/{patient_id}/care-team", response_model=answers.CareTeamAnswer)
async def put_care_team(
    patient_id: UUID, body: CareTeam, call: CurrentCall, if_match: IfMatch = None
) -> Response:
    """Replace who looks after a patient, over what was read."""
    members = [CareTeamMember(**dict(member)) for member in body.members]
    team = await care_teams.set_care_team(
        call.database,
        call.identity,
        patient_id,
        members,
        if_match=if_match,
        seating=call.plan,
        clock=call.clock,
    )
    return _team(team)


def _team(members: care_teams.Members) -> Response:
    return json_response({"members": members}, headers={"ETag": care_teams.etag_of_members(members)})
