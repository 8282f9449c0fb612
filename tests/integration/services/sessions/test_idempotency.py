import asyncio
import json
from hashlib import sha256
from typing import Any

import httpx2
import pytest
from starlette.types import Message

from services.sessions.directory.models import LOCATION
from services.sessions.metadata import IDEMPOTENCY, TRAIL
from tests.integration.services.sessions.clinic import Clinic

PLACES = "/v1/directory/locations"
ANNEX = {"name": "Annex", "time_zone": "America/Denver"}


async def _post(
    clinic: Clinic, body: dict[str, Any] = ANNEX, *, key: str = "k-1", by: str = "Ada", path: str = PLACES
) -> httpx2.Response:
    return await clinic.ask(by, "POST", path, json=body, headers={"Idempotency-Key": key})


async def _annexes(clinic: Clinic) -> int:
    return sum(row.name == "Annex" for row in await clinic.rows(LOCATION))


async def test_what_is_sent_again_is_answered_as_the_first_time(clinic: Clinic) -> None:
    first, second = await _post(clinic), await _post(clinic)
    assert (first.status_code, second.status_code) == (201, 201)
    assert (second.content, second.headers["etag"]) == (first.content, first.headers["etag"])
    assert second.headers["cache-control"] == "no-store"
    assert second.headers["idempotent-replayed"] == "true"
    assert await _annexes(clinic) == 1


async def test_twenty_at_once_have_one_effect(clinic: Clinic) -> None:
    answers = await asyncio.gather(*(_post(clinic) for _ in range(20)))
    assert {one.status_code for one in answers} <= {201, 409}
    assert len({one.content for one in answers if one.status_code == 201}) == 1
    assert await _annexes(clinic) == 1


async def test_one_without_a_key_is_done_each_time(clinic: Clinic) -> None:
    for _ in range(2):
        await clinic.do("Ada", "POST", PLACES, json=ANNEX)
    assert await _annexes(clinic) == 2


@pytest.mark.parametrize("change", [{"json": ANNEX | {"name": "Other"}}, {"path": "/v1/directory/staff"}])
async def test_a_key_belongs_to_one_request(clinic: Clinic, change: dict[str, Any]) -> None:
    await _post(clinic)
    answer = await _post(clinic, change.get("json", ANNEX), path=change.get("path", PLACES))
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "idempotency-key-reused")
    assert await _annexes(clinic) == 1


async def test_what_is_kept_of_a_request_can_be_compared_with_the_key_alone(clinic: Clinic) -> None:
    request = (await _post(clinic)).request
    digest = sha256(f"POST {PLACES}?\n".encode() + request.content).hexdigest()
    (kept,) = await clinic.rows(IDEMPOTENCY)
    assert digest != kept.request_sha256
    # As versions before have kept it, for a day.
    async with clinic.database.writing_for_all() as connection:
        await connection.execute(IDEMPOTENCY.update().values(request_sha256=digest))
    assert (await _post(clinic)).headers["idempotent-replayed"] == "true"


async def test_a_request_that_has_not_ended_is_not_begun_again(clinic: Clinic) -> None:
    await _post(clinic)
    async with clinic.database.writing_for_all() as connection:
        await connection.execute(IDEMPOTENCY.update().values(status=None))
    answer = await _post(clinic)
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert await _annexes(clinic) == 1


async def test_keys_of_others_are_others(clinic: Clinic, other_clinic: Clinic) -> None:
    answers = [await _post(clinic), await _post(other_clinic), await _post(clinic, by="Rosa")]
    assert [one.status_code for one in answers] == [201, 201, 403]


async def test_a_log_in_that_was_too_old_is_not_remembered(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    key = {"Idempotency-Key": "sign-1"}
    clinic.clock.forward(minutes=10)
    old = clinic.clock.moment.replace(hour=0)
    stale = await clinic.sign(session_id, auth_time=old, headers=key)
    fresh = await clinic.sign(session_id, headers=key)
    again = await clinic.sign(session_id, headers=key)
    assert [one.status_code for one in (stale, fresh, again)] == [401, 201, 201]


async def test_a_refusal_is_remembered(clinic: Clinic) -> None:
    answers = [await _post(clinic, by="Nora") for _ in range(2)]
    assert [one.status_code for one in answers] == [403, 403]
    assert answers[1].headers["content-type"] == "application/problem+json"


async def test_keys_are_forgotten_after_a_day(clinic: Clinic) -> None:
    await _post(clinic)
    clinic.clock.forward(hours=25)
    assert (await _post(clinic)).status_code == 201
    assert (await _annexes(clinic), len(await clinic.rows(IDEMPOTENCY))) == (2, 1)


@pytest.mark.parametrize("key", ["", "with space", '"', "x" * 201])
async def test_a_key_that_is_none_is_refused(clinic: Clinic, key: str) -> None:
    answer = await _post(clinic, key=key)
    assert (answer.status_code, await _annexes(clinic)) == (400, 0)


async def test_a_quoted_key_is_the_same_key(clinic: Clinic) -> None:
    answers = [await _post(clinic, key="k-1"), await _post(clinic, key='"k-1"')]
    assert answers[0].json() == answers[1].json()


async def test_a_body_that_is_too_large_is_refused_with_a_key_too(clinic: Clinic) -> None:
    answer = await clinic.ask(
        "Ada", "POST", PLACES, content=b"x" * 3_000_000, headers={"Idempotency-Key": "k"}
    )
    assert answer.status_code == 413


PATIENTS = "/v1/directory/patients"
PATIENT = {"mrn": "MRN-9", "first_name": "Zelda", "last_name": "Quill"}


async def _take_all_roles(clinic: Clinic, name: str) -> None:
    path = f"/v1/directory/staff/{clinic.id_of(name)}/access"
    await clinic.do("Ada", "PUT", path, json={"roles": []})


@pytest.mark.rule("PERM-8")
async def test_who_may_no_longer_do_it_is_not_shown_the_first_answer(clinic: Clinic) -> None:
    first = await _post(clinic, PATIENT, by="Rosa", path=PATIENTS)
    await _take_all_roles(clinic, "Rosa")
    again = await _post(clinic, PATIENT, by="Rosa", path=PATIENTS)
    assert (first.status_code, again.status_code) == (201, 403)
    assert again.json()["type"].endswith("/access-changed")
    assert b"Quill" not in again.content
    assert (await clinic.rows(TRAIL))[-1].outcome == "refused"


async def test_who_is_no_longer_active_is_not_shown_the_first_answer(clinic: Clinic) -> None:
    await _post(clinic, PATIENT, by="Rosa", path=PATIENTS)
    path = f"/v1/directory/staff/{clinic.id_of('Rosa')}"
    await clinic.do("Ada", "PATCH", path, json={"active": False}, headers={"If-Match": "*"})
    assert (await _post(clinic, PATIENT, by="Rosa", path=PATIENTS)).status_code == 403


@pytest.mark.rule("PERM-8")
async def test_an_answer_that_is_given_again_is_in_the_trail(clinic: Clinic) -> None:
    patient_id = (await _post(clinic, PATIENT, by="Rosa", path=PATIENTS)).json()["id"]
    before = {row.id for row in await clinic.rows(TRAIL)}
    await _post(clinic, PATIENT, by="Rosa", path=PATIENTS)
    (entry,) = [row for row in await clinic.rows(TRAIL) if row.id not in before]
    assert (entry.action, entry.user_id, entry.outcome) == (
        "replayed POST /v1/directory/patients",
        clinic.id_of("Rosa"),
        "allowed",
    )
    assert (entry.subject, str(entry.patient_id)) == (patient_id, patient_id)


async def test_first_answers_lie_sealed(clinic: Clinic) -> None:
    await _post(clinic, PATIENT, path=PATIENTS)
    (row,) = await clinic.rows(IDEMPOTENCY)
    assert row.body.startswith(b"k1.")
    assert row.headers == {}


async def test_an_answer_whose_sealing_key_is_gone_is_not_made_again(clinic: Clinic) -> None:
    await _post(clinic)
    async with clinic.database.writing_for_all() as connection:
        await connection.execute(IDEMPOTENCY.update().values(body=b"gone.AAAA"))
    answer = await _post(clinic)
    assert (answer.status_code, await _annexes(clinic)) == (409, 1)


async def test_nothing_is_kept_of_a_search(clinic: Clinic) -> None:
    answer = await _post(clinic, {"mrn": "MRN-00001"}, path=f"{PATIENTS}/search")
    assert (answer.status_code, await clinic.rows(IDEMPOTENCY)) == (200, [])


async def test_a_request_that_was_cut_off_keeps_no_key(clinic: Clinic) -> None:
    whole = json.dumps(ANNEX).encode()
    arriving: list[Message] = [
        {"type": "http.request", "body": whole[:9], "more_body": True},
        {"type": "http.disconnect"},
    ]
    answered: list[Message] = []

    async def receive() -> Message:
        return arriving.pop(0)

    async def send(message: Message) -> None:
        answered.append(message)

    token = clinic.issuer.token_for(clinic.id_of("Ada"), instance_id=clinic.instance_id)
    headers = {
        "authorization": f"Bearer {token}",
        "idempotency-key": "k-1",
        "content-type": "application/json",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": PLACES,
        "raw_path": PLACES.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await clinic.application(scope, receive, send)
    assert (answered, await clinic.rows(IDEMPOTENCY)) == ([], [])
    assert (await _post(clinic)).status_code == 201
