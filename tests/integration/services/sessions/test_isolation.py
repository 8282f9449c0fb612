"""One customer never sees or changes anything of another, on no route."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from services.sessions.directory.models import LOCATION, PATIENT, STAFF_ACCESS, STAFF_MEMBER
from services.sessions.documentation.models import DISCARDED, ROSTER_ENTRY, SIGNATURE
from services.sessions.metadata import LEDGER, TRAIL
from services.sessions.scheduling.models import ASSIGNMENT, SESSION
from services.sessions.service_accounts.models import SERVICE_ACCOUNT
from services.sessions.stream.endpoints import STREAM_PATH
from services.sessions.templates.models import SCHEDULE, TEMPLATE
from shared.database.engine import create_engine
from tests.integration.services.sessions.clinic import TODAY, Clinic

OWN_ALONE = {
    "GET /v1/emergency-accesses",
    "GET /v1/deliveries/parked",
    "GET /v1/service-accounts",
    "POST /v1/service-accounts",
    "GET /v1/settings",
    "PATCH /v1/settings",
    "GET /v1/directory/me",
    "POST /v1/directory/imports",
    "GET /v1/directory/locations",
    "GET /v1/directory/staff",
    "GET /v1/directory/patients",
    "POST /v1/group-sessions/generation",
    "GET /v1/worklists/{kind}",
    "GET /v1/templates",
    "GET /v1/schedules",
    "GET /v1/calendar-feeds",
    "POST /v1/directory/locations",
    "POST /v1/directory/staff",
    "POST /v1/directory/patients",
    "POST /v1/directory/patients/search",
}
"""Routes that name nothing of an instance but their caller's; all others answer 404."""

ACCOUNT = {"name": "Ledger", "scopes": ["charges:read"], "external_subject": "ledger"}

TABLES = (
    LOCATION, PATIENT, STAFF_ACCESS, STAFF_MEMBER, ROSTER_ENTRY, SIGNATURE, ASSIGNMENT, SESSION, SCHEDULE,
    TEMPLATE, TRAIL, LEDGER.event, SERVICE_ACCOUNT,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Theirs:
    """Ids of the clinic whose data the other one is after."""

    clinic: Clinic
    session_id: UUID
    template_id: UUID
    schedule_id: UUID
    assignment_id: UUID
    feed_id: UUID
    discarded_id: UUID
    access_id: UUID
    delivery_id: UUID
    account_id: UUID

    def path(self, template: str) -> str:
        return template.format(
            session_id=self.session_id,
            schedule_id=self.schedule_id,
            patient_id=self.clinic.patient_ids[0],
            user_id=self.clinic.id_of("Margaret"),
            template_id=self.template_id,
            assignment_id=self.assignment_id,
            feed_id=self.feed_id,
            discarded_id=self.discarded_id,
            access_id=self.access_id,
            delivery_id=self.delivery_id,
            account_id=self.account_id,
            on=TODAY,
            location_id=self.clinic.location_id,
            kind="not_started",
        )

    @property
    def bodies(self) -> dict[str, Any]:
        patient_id = str(self.clinic.patient_ids[0])
        location_id = str(self.clinic.location_id)
        occurrences = [{"template_id": str(self.template_id), "weekday": 2}]
        return {
            "POST /v1/emergency-accesses": {"patient_id": patient_id, "reason": "A thief wants it."},
            "POST /v1/deliveries/retry": {"delivery_id": str(self.delivery_id)},
            "POST /v1/deliveries/skip": {"delivery_id": str(self.delivery_id), "reason": "Unwanted"},
            "POST /v1/service-accounts": ACCOUNT,
            "PATCH /v1/settings": {},
            "PUT /v1/directory/staff/{user_id}/access": {"roles": []},
            "PUT /v1/directory/staff/{user_id}/login/password": {"new_password": "a long password"},
            "PUT /v1/directory/staff/{user_id}/login": {"login": "thief", "password": "a long password"},
            "POST /v1/directory/locations": {"name": "Annex", "time_zone": "America/Chicago"},
            "PATCH /v1/directory/locations/{location_id}": {"name": "Changed"},
            "POST /v1/directory/staff": {"first_name": "New", "last_name": "Member"},
            "PATCH /v1/directory/staff/{user_id}": {"active": False},
            "POST /v1/directory/patients": {"mrn": "X-1", "first_name": "New", "last_name": "Patient"},
            "POST /v1/directory/patients/search": {"name": "a"},
            "PATCH /v1/directory/patients/{patient_id}": {"preferred_name": "Changed"},
            "PUT /v1/directory/patients/{patient_id}/care-team": {"members": []},
            "POST /v1/templates": self.clinic.template_body(),
            "PUT /v1/templates/{template_id}": self.clinic.template_body(),
            "PUT /v1/templates/{template_id}/occurrences/{on}": {"cancelled": True},
            "PUT /v1/schedules/{schedule_id}": {"title": "Changed", "occurrences": occurrences},
            "POST /v1/assignments": {"patient_ids": [patient_id], "template_ids": [str(self.template_id)]},
            "PATCH /v1/assignments/{assignment_id}": {"ends_on": str(TODAY)},
            "POST /v1/calendar-feeds": {"patient_id": patient_id},
            "POST /v1/schedules": {
                "location_id": location_id,
                "title": "Days",
                "occurrences": occurrences,
            },
            "POST /v1/group-sessions/generation": {"since": str(TODAY), "until": str(TODAY)},
            "POST /v1/schedules/{schedule_id}/assignments": {
                "patient_ids": [patient_id],
                "starts_on": str(TODAY),
            },
            "PUT /v1/group-sessions/{session_id}/attendance": {
                "marks": [{"patient_id": patient_id, "attendance": "absent"}]
            },
            "PUT /v1/group-sessions/{session_id}/leaders": {
                "leader_ids": [str(self.clinic.id_of("Margaret"))]
            },
            "POST /v1/group-sessions/{session_id}/roster/{patient_id}/annotations": {"text": "Changed"},
            "POST /v1/group-sessions/{session_id}/roster/{patient_id}/removal": {"reason": "Changed"},
            "POST /v1/sign-in-sheets": {"session_id": str(self.session_id)},
            "POST /v1/group-sessions/{session_id}/return": {"reason": "Changed"},
            "POST /v1/group-sessions/{session_id}/reopening": {"reason": "Changed"},
            "POST /v1/group-sessions/{session_id}/deletion": {"reason": "Changed"},
            "PUT /v1/group-sessions/{session_id}/group-note": {"topic": "Changed"},
            "PUT /v1/group-sessions/{session_id}/roster/{patient_id}/note": {"text": "Changed"},
        }


async def _theirs(clinic: Clinic) -> Theirs:
    session_id = await clinic.documented()
    reopening = f"/v1/group-sessions/{session_id}/reopening"
    await clinic.do("Margaret", "POST", reopening, json={"reason": "To be written on"})
    (aside,) = await clinic.rows(DISCARDED)
    (template,) = await clinic.rows(TEMPLATE)
    (schedule,) = await clinic.rows(SCHEDULE)
    assignment, *_ = await clinic.rows(ASSIGNMENT)
    feed = await clinic.do(
        "Ada", "POST", "/v1/calendar-feeds", json={"patient_id": str(clinic.patient_ids[0])}
    )
    emergency = {"patient_id": str(clinic.patient_ids[0]), "reason": "Found unconscious."}
    opened = await clinic.do("Fay", "POST", "/v1/emergency-accesses", json=emergency)
    account = await clinic.do("Ada", "POST", "/v1/service-accounts", json=ACCOUNT)
    async with clinic.database.reading_for_all() as connection:
        delivery_id = await connection.scalar(select(LEDGER.delivery.c.id).limit(1))
    assert delivery_id is not None
    return Theirs(
        clinic=clinic,
        session_id=session_id,
        template_id=template.id,
        schedule_id=schedule.id,
        assignment_id=assignment.id,
        feed_id=UUID(feed["id"]),
        discarded_id=aside.id,
        access_id=UUID(opened["id"]),
        delivery_id=delivery_id,
        account_id=UUID(account["id"]),
    )


def _routes(clinic: Clinic) -> list[str]:
    paths = clinic.application.openapi()["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


async def _ask_everything(thief: Clinic, theirs: Theirs) -> dict[str, tuple[int, str]]:
    answers = {}
    query = f"?location_id={theirs.clinic.location_id}&date={TODAY}"
    # The stream does not end; that it tells nothing of others is shown where it is tested.
    for route in [one for one in _routes(thief) if one != f"GET {STREAM_PATH}"]:
        method, path = route.split(" ")
        place = theirs.path(path) + (query if route == "GET /v1/group-sessions" else "")
        answer = await thief.ask("Ada", method, place, json=theirs.bodies.get(route))
        answers[route] = (answer.status_code, answer.text)
    return answers


async def test_another_customer_gets_nothing_by_any_route(clinic: Clinic, other_clinic: Clinic) -> None:
    theirs = await _theirs(clinic)
    before = [await clinic.rows(table) for table in TABLES]
    answers = await _ask_everything(other_clinic, theirs)
    assert {route for route, (status, _) in answers.items() if status != 404} == OWN_ALONE
    assert {status for route, (status, _) in answers.items() if route in OWN_ALONE} == {200, 201}
    assert [await clinic.rows(table) for table in TABLES] == before


async def test_nothing_that_another_customer_is_told_is_of_this_one(
    clinic: Clinic, other_clinic: Clinic
) -> None:
    answers = await _ask_everything(other_clinic, await _theirs(clinic))
    told = " ".join(text for _, text in answers.values())
    ids = [*clinic.patient_ids, clinic.id_of("Margaret"), clinic.location_id]
    assert not [one for one in ids if str(one) in told]


async def test_a_token_of_one_customer_opens_nothing_with_a_user_of_another(
    clinic: Clinic, other_clinic: Clinic
) -> None:
    token = clinic.issuer.token_for(clinic.id_of("Ada"), instance_id=other_clinic.instance_id)
    answer = await clinic.ask(None, "GET", "/v1/directory/patients", token=token)
    assert answer.status_code == 403


@pytest.mark.rule("PERM-7")
async def test_who_is_not_on_the_staff_gets_nothing_by_any_route(clinic: Clinic) -> None:
    theirs = await _theirs(clinic)
    query = f"?location_id={clinic.location_id}&date={TODAY}"
    statuses = {}
    for route in _routes(clinic):
        method, path = route.split(" ")
        place = theirs.path(path) + (query if route == "GET /v1/group-sessions" else "")
        statuses[route] = (
            await clinic.ask("Stranger", method, place, json=theirs.bodies.get(route))
        ).status_code
    assert set(statuses.values()) == {403}


async def test_without_a_token_no_route_answers(clinic: Clinic) -> None:
    theirs = await _theirs(clinic)
    answers = {}
    for route in _routes(clinic):
        method, path = route.split(" ")
        answer = await clinic.ask(None, method, theirs.path(path), json=theirs.bodies.get(route))
        answers[route] = (answer.status_code, answer.headers.get("www-authenticate"))
    assert set(answers.values()) == {(401, "Bearer")}
    assert len(answers) >= 20


async def test_the_paths_for_operators_are_open_and_tell_of_nobody(clinic: Clinic) -> None:
    await clinic.sign(await clinic.documented())
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        answer = await clinic.ask(None, "GET", path)
        assert answer.status_code == 200
        assert not [one.mrn for one in clinic.patients if one.mrn in answer.text]


async def test_what_is_owed_is_measured(clinic: Clinic) -> None:
    await clinic.sign(await clinic.documented())
    metrics = (await clinic.ask(None, "GET", "/metrics")).text
    labels = '{consumer="charts",service="sessions",state="open"}'
    assert f"opencircle_deliveries_unfinished{labels} 1.0" in metrics


async def test_made_up_methods_make_no_series(clinic: Clinic) -> None:
    await clinic.ask(None, "BREW", "/v1/coffee")
    metrics = (await clinic.ask(None, "GET", "/metrics")).text
    assert "BREW" not in metrics
    assert 'method="other"' in metrics


async def test_without_its_database_the_service_is_alive_and_not_ready(clinic: Clinic) -> None:
    await clinic.database.engine.dispose()
    nowhere = create_engine("postgresql+asyncpg://nobody@127.0.0.1:9/nothing")
    object.__setattr__(clinic.database, "engine", nowhere)
    assert (await clinic.ask(None, "GET", "/healthz")).status_code == 200
    assert (await clinic.ask(None, "GET", "/readyz")).status_code == 503
    await nowhere.dispose()
