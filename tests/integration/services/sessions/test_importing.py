import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from services.sessions.directory.domain import imported_id
from services.sessions.directory.fhir import LINE_BYTES_AT_MOST
from services.sessions.directory.models import LOCATION, ORGANIZATION, PATIENT, STAFF_ACCESS, STAFF_MEMBER
from services.sessions.metadata import LEDGER
from shared.events.catalogue import STAFF_ACCESS_CHANGED, parse
from shared.testing.identity import ISSUER
from tests.integration.services.sessions.clinic import Clinic
from tests.support.fhir_exports import (
    location,
    ndjson,
    organization,
    patient,
    practitioner,
    practitioner_role,
)

IMPORTS = "/v1/directory/imports"
PATIENT_OF_TWO = "Patient.identifier: another patient has this medical record number"


@pytest.fixture
def whole_export() -> bytes:
    return ndjson(organization(), location(), practitioner(), practitioner_role(), patient())


async def _import(clinic: Clinic, content: Any) -> Any:
    return await clinic.do("Ada", "POST", IMPORTS, content=content)


async def test_everything_usable_of_an_export_is_kept(clinic: Clinic, whole_export: bytes) -> None:
    report = await _import(clinic, whole_export)
    assert report == {"read": 5, "changed": 5, "unchanged": 0, "problems": []}
    kept = {one.name: len(await clinic.rows(one)) for one in (ORGANIZATION, LOCATION, PATIENT)}
    assert kept == {"organization": 1, "location": 2, "patient": 4}


async def test_importing_twice_changes_nothing(clinic: Clinic, whole_export: bytes) -> None:
    await _import(clinic, whole_export)
    before = [await clinic.rows(one) for one in (ORGANIZATION, LOCATION, STAFF_MEMBER, PATIENT)]
    events = await clinic.rows(LEDGER.event)
    report = await _import(clinic, whole_export)
    assert report == {"read": 5, "changed": 0, "unchanged": 5, "problems": []}
    assert [await clinic.rows(one) for one in (ORGANIZATION, LOCATION, STAFF_MEMBER, PATIENT)] == before
    assert await clinic.rows(LEDGER.event) == events


async def test_what_has_changed_is_updated(clinic: Clinic) -> None:
    await _import(clinic, ndjson(patient()))
    report = await _import(clinic, ndjson(patient(deceasedDateTime="2026-03-01")))
    assert (report["changed"], report["unchanged"]) == (1, 0)


async def test_broken_lines_are_named_and_the_rest_is_imported(clinic: Clinic) -> None:
    lines = ("{broken", patient("good"), "", patient("no-mrn", identifier=[]), location("also-good"))
    report = await _import(clinic, ndjson(*lines))
    assert (report["read"], report["changed"]) == (4, 2)
    assert report["problems"] == [
        {"line": 1, "reason": "not valid JSON"},
        {"line": 4, "reason": "Patient.identifier: one of type MR, a medical record number, is needed"},
    ]


async def test_a_medical_record_number_is_one_patients(clinic: Clinic) -> None:
    report = await _import(clinic, ndjson(patient("first", mrn="M-7"), patient("second", mrn="M-7")))
    assert report["problems"] == [{"line": 2, "reason": PATIENT_OF_TWO}]


async def test_a_number_that_is_taken_stays_with_who_has_it(clinic: Clinic) -> None:
    await _import(clinic, ndjson(patient("owner", mrn="M-7")))
    report = await _import(clinic, ndjson(patient("thief", mrn="M-7"), patient("owner", mrn="M-7")))
    assert report["problems"] == [{"line": 1, "reason": PATIENT_OF_TWO}]
    assert report["unchanged"] == 1


async def test_more_lines_than_one_transaction_takes_come_in_chunks_cut_anywhere(clinic: Clinic) -> None:
    content = ndjson(*(patient(f"pat-{number}", mrn=f"M-{number}") for number in range(1100)))

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 4999):
            yield content[start : start + 4999]

    report = await _import(clinic, chunks())
    assert report == {"read": 1100, "changed": 1100, "unchanged": 0, "problems": []}
    assert len(await clinic.rows(PATIENT)) == 1103


async def test_lines_are_counted_over_all_chunks(clinic: Clinic) -> None:
    good: Iterator[Any] = (patient(f"pat-{number}", mrn=f"M-{number}") for number in range(600))
    report = await _import(clinic, ndjson(*good, "{broken"))
    assert report["problems"] == [{"line": 601, "reason": "not valid JSON"}]


async def test_a_line_that_is_too_long_is_named_and_the_rest_is_imported(clinic: Clinic) -> None:
    async def long_line_first() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * LINE_BYTES_AT_MOST
        yield b"\n" + ndjson(organization())

    answer = await clinic.ask("Ada", "POST", IMPORTS, content=long_line_first())
    report = answer.json()
    assert report["problems"] == [{"line": 1, "reason": f"longer than {LINE_BYTES_AT_MOST} bytes"}]
    assert report["changed"] == 1


async def test_practitioners_get_the_role_of_their_taxonomy(clinic: Clinic) -> None:
    await _import(clinic, ndjson(practitioner(), practitioner_role("101YM0800X")))
    user_id = imported_id(clinic.instance_id, "Practitioner", "pra-1")
    access = {one.user_id: one for one in await clinic.rows(STAFF_ACCESS)}[user_id]
    assert (access.roles, access.active, access.version) == (["therapist"], True, 1)
    assert [one.type for one in await clinic.rows(LEDGER.event)] == [STAFF_ACCESS_CHANGED]


async def test_a_role_that_somebody_has_set_is_not_overwritten(clinic: Clinic) -> None:
    await _import(clinic, ndjson(practitioner()))
    user_id = imported_id(clinic.instance_id, "Practitioner", "pra-1")
    await clinic.do("Ada", "PUT", f"/v1/directory/staff/{user_id}/access", json={"roles": ["nurse"]})
    report = await _import(clinic, ndjson(practitioner(), practitioner_role()))
    assert report["unchanged"] == 2
    assert {one.user_id: one.roles for one in await clinic.rows(STAFF_ACCESS)}[user_id] == ["nurse"]


async def test_a_role_of_nobody_is_named(clinic: Clinic) -> None:
    report = await _import(clinic, ndjson(practitioner_role()))
    reason = "PractitionerRole.practitioner: no imported practitioner has this NPI"
    assert report["problems"] == [{"line": 1, "reason": reason}]


async def test_who_has_left_may_do_nothing_more_and_every_service_hears_it(clinic: Clinic) -> None:
    await _import(clinic, ndjson(practitioner(), practitioner_role()))
    await _import(clinic, ndjson(practitioner(active=False)))
    user_id = imported_id(clinic.instance_id, "Practitioner", "pra-1")
    access = {one.user_id: one for one in await clinic.rows(STAFF_ACCESS)}[user_id]
    assert (access.active, access.version) == (False, 2)
    assert len(await clinic.rows(LEDGER.event)) == 2


async def test_the_issuers_name_of_a_practitioner_is_read_kept_and_one_members(clinic: Clinic) -> None:
    named: dict[str, Any] = {"identifier": [{"system": ISSUER, "value": "auth0|randy"}]}
    await _import(clinic, ndjson(practitioner(), practitioner_role()))
    await _import(clinic, ndjson(practitioner(**named)))
    report = await _import(clinic, ndjson(practitioner(id="pra-2", **named), practitioner()))
    assert [one["line"] for one in report["problems"]] == [1]
    seen = {one.external_subject: one.id for one in await clinic.rows(STAFF_MEMBER)}
    assert seen["auth0|randy"] == imported_id(clinic.instance_id, "Practitioner", "pra-1")
    await _import(clinic, ndjson(practitioner(identifier=[{"system": ISSUER, "value": "auth0|new"}])))
    event = (await clinic.rows(LEDGER.event))[-1]
    (member,) = parse(event.body, STAFF_ACCESS_CHANGED).data.members
    assert (member.external.subject, member.version) == ("auth0|new", 3)


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize("name", ["Rosa", "Margaret", "Tess", "Nora"])
async def test_only_a_super_admin_imports(clinic: Clinic, name: str, whole_export: bytes) -> None:
    assert (await clinic.ask(name, "POST", IMPORTS, content=whole_export)).status_code == 403
    assert len(await clinic.rows(PATIENT)) == 3


async def test_no_value_of_a_broken_line_is_told(clinic: Clinic) -> None:
    broken = patient("bad id with Kowalski", birthDate="Kowalski")
    report = await _import(clinic, ndjson(broken, patient(name=[{"text": "Kowalski"}])))
    assert len(report["problems"]) == 2
    assert "Kowalski" not in str(report)


async def test_two_imports_at_once_of_one_new_number_give_one_patient(clinic: Clinic) -> None:
    files = [ndjson(patient(f"pat-{number}")) for number in range(4)]
    reports = await asyncio.gather(*(_import(clinic, content) for content in files))
    refused = [one["reason"] for report in reports for one in report["problems"]]
    assert len(await clinic.rows(PATIENT)) == 4
    assert refused == [PATIENT_OF_TWO] * 3


async def test_a_number_taken_by_hand_during_an_import_is_nobodys_twice(clinic: Clinic) -> None:
    number = patient()["identifier"][0]["value"]
    by_hand = {"mrn": number, "first_name": "Anna", "last_name": "Kim"}
    answers = await asyncio.gather(
        clinic.ask("Ada", "POST", IMPORTS, content=ndjson(patient())),
        clinic.ask("Ada", "POST", "/v1/directory/patients", json=by_hand),
    )
    assert {one.status_code for one in answers} <= {200, 201, 409}
    assert [one.mrn for one in await clinic.rows(PATIENT)].count(number) == 1
