from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.sessions.directory.models import STAFF_ACCESS
from services.sessions.directory.use_cases import change_access
from services.sessions.metadata import LEDGER, TRAIL
from shared.events.catalogue import STAFF_ACCESS_CHANGED, parse
from shared.events.staff import Feature, StaffAccess
from shared.web.problems import ConflictProblem
from tests.integration.services.sessions.clinic import STAFF, Clinic

HERE = "/v1/directory"
KINDS = {
    "locations": {"name": "Annex", "time_zone": "America/Denver"},
    "staff": {"first_name": "Nia", "last_name": "Obi", "credentials": "LPC", "npi": "1234567893"},
    "patients": {"mrn": "M-1", "first_name": "Jo", "last_name": "Ek", "birth_date": "1990-02-03"},
}


async def _change(
    clinic: Clinic, path: str, body: dict[str, Any], *, by: str = "Ada", etag: str | None = "*"
) -> httpx2.Response:
    headers = {"If-Match": etag} if etag else {}
    return await clinic.ask(by, "PATCH", HERE + path, json=body, headers=headers)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_added_is_read_with_its_version(clinic: Clinic, kind: str) -> None:
    made = await clinic.ask("Ada", "POST", f"{HERE}/{kind}", json=KINDS[kind])
    read = await clinic.ask("Ada", "GET", f"{HERE}/{kind}/{made.json()['id']}")
    assert (made.status_code, read.status_code) == (201, 200)
    assert read.json() == made.json() | KINDS[kind]
    assert read.headers["etag"] == made.headers["etag"] == '"1"'


@pytest.mark.parametrize("kind", KINDS)
async def test_a_change_is_made_over_the_version_that_was_read(clinic: Clinic, kind: str) -> None:
    made = await clinic.do("Ada", "POST", f"{HERE}/{kind}", json=KINDS[kind])
    path, body = f"/{kind}/{made['id']}", {next(iter(KINDS[kind])): "Changed"}
    answers = [await _change(clinic, path, body, etag=etag) for etag in (None, '"1"', '"1"', '"2"')]
    assert [one.status_code for one in answers] == [428, 200, 412, 200]
    assert answers[2].headers["etag"] == '"2"'


@pytest.mark.parametrize("kind", KINDS)
async def test_a_name_can_not_be_emptied(clinic: Clinic, kind: str) -> None:
    made = await clinic.do("Ada", "POST", f"{HERE}/{kind}", json=KINDS[kind])
    answer = await _change(clinic, f"/{kind}/{made['id']}", {next(iter(KINDS[kind])): None})
    assert answer.status_code == 422


@pytest.mark.rule("PERM-7")
async def test_patients_are_seen_by_who_plans_or_leads_groups(clinic: Clinic) -> None:
    patient_id = clinic.patient_ids[0]
    paths = [
        f"{HERE}/patients",
        f"{HERE}/patients/{patient_id}",
        f"{HERE}/patients/{patient_id}/care-team",
        f"{HERE}/staff/{clinic.id_of('Tom')}/caseload",
    ]
    for name in STAFF:
        statuses = {(await clinic.ask(name, "GET", path)).status_code for path in paths}
        assert statuses == ({403} if name in {"Ruth", "Nora", "Dora", "Fay"} else {200}), name


@pytest.mark.rule("PERM-1", "PERM-7")
async def test_the_directory_is_changed_by_admins_alone(clinic: Clinic) -> None:
    changed = {name: await _patients_and_places(clinic, name) for name in STAFF}
    expected = {name: [403, 403] for name in STAFF} | {"Ada": [201, 201], "Rosa": [201, 403]}
    assert changed == expected


async def _patients_and_places(clinic: Clinic, name: str) -> list[int]:
    patient = KINDS["patients"] | {"mrn": name}
    return [
        (await clinic.ask(name, "POST", f"{HERE}/patients", json=patient)).status_code,
        (await clinic.ask(name, "POST", f"{HERE}/locations", json=KINDS["locations"])).status_code,
    ]


@pytest.mark.rule("PERM-8")
async def test_whoever_reads_or_changes_a_patient_is_in_the_trail_with_the_patient(clinic: Clinic) -> None:
    patient_id = clinic.patient_ids[0]
    await clinic.ask("Margaret", "GET", f"{HERE}/patients/{patient_id}")
    await _change(clinic, f"/patients/{patient_id}", {"preferred_name": "Z"})
    await _change(clinic, f"/patients/{patient_id}", {"preferred_name": "Z"}, by="Nora")
    trail = [(one.action, one.outcome, one.patient_id) for one in await clinic.rows(TRAIL)]
    assert trail == [
        ("patient.seen", "allowed", patient_id),
        ("patient.changed", "allowed", patient_id),
        ("PATCH /v1/directory/patients/{patient_id}", "refused", patient_id),
    ]


async def test_a_medical_record_number_is_one_patients(clinic: Clinic) -> None:
    taken = {"mrn": clinic.patients[1].mrn}
    made = await clinic.ask("Ada", "POST", f"{HERE}/patients", json=KINDS["patients"] | taken)
    changed = await _change(clinic, f"/patients/{clinic.patient_ids[0]}", taken)
    assert [made.status_code, changed.status_code] == [409, 409]


@pytest.mark.parametrize(
    ("dates", "pointer"),
    [
        ({"birth_date": "2100-01-01"}, "#/birth_date"),
        ({"deceased_on": "2100-01-01"}, "#/deceased_on"),
        ({"admitted_on": "2026-03-02", "discharged_on": "2026-03-01"}, "#/discharged_on"),
        ({"birth_date": "2000-01-01", "admitted_on": "1999-01-01"}, "#/admitted_on"),
    ],
)
async def test_dates_that_can_not_be_are_pointed_at(
    clinic: Clinic, dates: dict[str, str], pointer: str
) -> None:
    answer = await _change(clinic, f"/patients/{clinic.patient_ids[0]}", dates)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


@pytest.mark.rule("SCH-5")
async def test_who_is_discharged_is_expected_no_more(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    gone = clinic.patient_ids[0]
    discharge = {"discharged_on": str(clinic.clock().date() - timedelta(days=1))}
    assert (await _change(clinic, f"/patients/{gone}", discharge)).status_code == 200
    await clinic.do("Margaret", "POST", f"/v1/group-sessions/{session_id}/start")
    roster = (await clinic.session(session_id))["roster"]
    assert str(gone) not in {one["patient_id"] for one in roster}


@pytest.mark.parametrize("by_name", ["ZYG", "zyg", "Zyg"])
async def test_patients_are_found_by_the_beginning_of_a_name(clinic: Clinic, by_name: str) -> None:
    await clinic.admit(clinic.patient(70, first_name="Ann", last_name="Zygmunt"))
    found = await clinic.do("Tom", "POST", f"{HERE}/patients/search", json={"name": by_name})
    assert [one["last_name"] for one in found["items"]] == ["Zygmunt"]


async def test_a_search_takes_no_wildcards(clinic: Clinic) -> None:
    found = await clinic.do("Tom", "POST", f"{HERE}/patients/search", json={"name": "%"})
    assert found == {"items": [], "next": None, "unreadable": []}


async def test_patients_are_found_by_number_and_by_location(clinic: Clinic) -> None:
    here = {"location_id": str(clinic.location_id)}
    await _change(clinic, f"/patients/{clinic.patient_ids[1]}", here)
    number = {"mrn": clinic.patients[2].mrn}
    by_number = await clinic.do("Tom", "POST", f"{HERE}/patients/search", json=number)
    by_place = await clinic.do("Tom", "GET", f"{HERE}/patients?location_id={clinic.location_id}")
    assert [one["id"] for one in by_number["items"]] == [str(clinic.patient_ids[2])]
    assert [one["id"] for one in by_place["items"]] == [str(clinic.patient_ids[1])]


async def test_staff_are_found_by_role_and_standing(clinic: Clinic) -> None:
    await _change(clinic, f"/staff/{clinic.id_of('Ivy')}", {"active": False})
    found = await clinic.do("Nora", "GET", f"{HERE}/staff?role=therapist&active=true")
    assert [one["first_name"] for one in found["items"]] == ["Margaret"]


@pytest.mark.rule("PERM-7")
async def test_who_is_no_longer_active_loses_access_everywhere(clinic: Clinic) -> None:
    tom = clinic.id_of("Tom")
    await _change(clinic, f"/staff/{tom}", {"active": False})
    (event,) = [one for one in await clinic.rows(LEDGER.event) if one.type == STAFF_ACCESS_CHANGED]
    (told,) = parse(event.body, event.type).data.members
    assert (told.user_id, told.version, told.active) == (tom, 2, False)
    assert (await clinic.ask("Tom", "GET", f"{HERE}/me")).status_code == 403
    await _change(clinic, f"/staff/{tom}", {"active": True})
    assert (await clinic.ask("Tom", "GET", f"{HERE}/me")).status_code == 200


@pytest.mark.rule("PERM-6")
async def test_no_way_of_changing_access_brings_both_review_features_together(clinic: Clinic) -> None:
    both = frozenset({Feature.REQUIRES_GROUP_SESSION_REVIEW, Feature.REVIEW_GROUP_SESSIONS})
    access = StaffAccess(
        user_id=clinic.id_of("Ruth"), version=9, active=True, roles=frozenset(), features=both
    )
    before = await clinic.rows(STAFF_ACCESS)
    with pytest.raises(ConflictProblem):
        async with clinic.database.writing(clinic.instance_id) as db:
            await change_access(db, [access], at=clinic.clock())
    assert await clinic.rows(STAFF_ACCESS) == before


@pytest.mark.parametrize("npi", ["1234567890", "123456789", "12345678x3", "\uff11234567893"])
async def test_an_npi_that_is_none_is_pointed_at(clinic: Clinic, npi: str) -> None:
    answer = await _change(clinic, f"/staff/{clinic.id_of('Tom')}", {"npi": npi})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/npi")


async def test_an_npi_is_one_members(clinic: Clinic) -> None:
    paths = [f"/staff/{clinic.id_of(name)}" for name in ("Tom", "Ivy", "Tom")]
    answers = [await _change(clinic, path, {"npi": "1234567893"}) for path in paths]
    assert [one.status_code for one in answers] == [200, 409, 200]


async def _team(clinic: Clinic, patient_id: UUID, members: dict[str, bool]) -> httpx2.Response:
    body = [{"user_id": str(clinic.id_of(name)), "primary_therapist": is_} for name, is_ in members.items()]
    path = f"{HERE}/patients/{patient_id}/care-team"
    etag = (await clinic.ask("Rosa", "GET", path)).headers["etag"]
    return await clinic.ask("Rosa", "PUT", path, json={"members": body}, headers={"If-Match": etag})


@pytest.mark.rule("TPL-4")
async def test_a_caseload_is_of_the_primary_therapist(clinic: Clinic) -> None:
    mine, shared, _ = clinic.patient_ids
    await _team(clinic, mine, {"Margaret": True, "Tom": False})
    await _team(clinic, shared, {"Margaret": False, "Tom": True})
    seen = await clinic.do("Tom", "GET", f"{HERE}/staff/{clinic.id_of('Margaret')}/caseload")
    assert [one["id"] for one in seen["items"]] == [str(mine)]


async def test_a_patient_has_one_primary_therapist(clinic: Clinic) -> None:
    answer = await _team(clinic, clinic.patient_ids[0], {"Margaret": True, "Tom": True})
    assert (answer.status_code, "primary_therapist" in answer.text) == (422, True)


async def test_a_care_team_is_replaced_over_what_was_read(clinic: Clinic) -> None:
    path = f"{HERE}/patients/{clinic.patient_ids[0]}/care-team"
    read = (await clinic.ask("Rosa", "GET", path)).headers["etag"]
    await _team(clinic, clinic.patient_ids[0], {"Tom": True})
    stale = await clinic.ask("Rosa", "PUT", path, json={"members": []}, headers={"If-Match": read})
    assert stale.status_code == 412
    team = await clinic.do("Tom", "GET", path)
    assert [(one["first_name"], one["primary_therapist"]) for one in team["members"]] == [("Tom", True)]


async def test_nobody_joins_a_care_team_who_has_left(clinic: Clinic) -> None:
    await _change(clinic, f"/staff/{clinic.id_of('Tom')}", {"active": False})
    assert (await _team(clinic, clinic.patient_ids[0], {"Tom": True})).status_code == 409


@pytest.mark.rule("PERM-1")
async def test_access_that_was_changed_meanwhile_is_not_overwritten(clinic: Clinic) -> None:
    place = f"/v1/directory/staff/{clinic.id_of('Nora')}"
    read = (await clinic.ask("Ada", "GET", place)).headers["etag"]
    first, second = [
        await clinic.ask("Ada", "PUT", f"{place}/access", json={"roles": [role]}, if_match=read)
        for role in ("doctor", "tech")
    ]
    assert (first.status_code, second.status_code) == (200, 412)
    member = await clinic.ask("Ada", "GET", place)
    assert first.headers["etag"] == second.headers["etag"] == member.headers["etag"]
    assert member.json()["roles"] == ["doctor"]
