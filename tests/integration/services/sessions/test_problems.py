from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx2
import pytest

from services.sessions.metadata import TRAIL
from shared.web.middleware import BODY_BYTES_AT_MOST
from tests.integration.services.sessions.clinic import STAFF, TODAY, Clinic

MEMBERS = {"type", "title", "status", "detail"}


async def _one_of_each(clinic: Clinic) -> dict[int, httpx2.Response]:
    session_id = await clinic.started()
    here = f"/v1/group-sessions/{session_id}"
    return {
        401: await clinic.ask(None, "GET", here),
        403: await clinic.ask("Nora", "GET", here),
        404: await clinic.ask("Ada", "GET", f"/v1/group-sessions/{clinic.id_of('nothing')}"),
        405: await clinic.ask("Ada", "DELETE", "/v1/settings"),
        409: await clinic.sign(session_id),
        413: await clinic.ask("Ada", "POST", "/v1/templates", content=b"x" * (BODY_BYTES_AT_MOST + 1)),
        422: await clinic.ask("Ada", "POST", "/v1/templates", json={}),
    }


async def test_every_refusal_is_a_problem_of_rfc_9457(clinic: Clinic) -> None:
    answers = await _one_of_each(clinic)
    assert {status: one.status_code for status, one in answers.items()} == {one: one for one in answers}
    for status, answer in answers.items():
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json().keys() - {"errors"} == MEMBERS


async def test_the_types_of_problems_differ(clinic: Clinic) -> None:
    answers = await _one_of_each(clinic)
    del answers[405]
    assert len({one.json()["type"] for one in answers.values()}) == len(answers)


async def test_a_path_that_does_not_exist_is_a_problem_too(clinic: Clinic) -> None:
    answer = await clinic.ask("Ada", "GET", "/v1/nothing")
    assert (answer.status_code, answer.json()["title"]) == (404, "There is no such thing here")


async def test_a_field_that_is_not_known_is_pointed_at(clinic: Clinic) -> None:
    answer = await clinic.ask("Ada", "PATCH", "/v1/settings", json={"use_group_session": False})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/use_group_session")


async def test_a_query_is_given_once_where_one_is_taken(clinic: Clinic) -> None:
    answer = await clinic.ask("Ada", "GET", "/v1/templates?title=A&title=B&limit=5")
    assert (answer.status_code, [one["pointer"] for one in answer.json()["errors"]]) == (422, ["query:title"])
    day = f"/v1/group-sessions?location_id={clinic.location_id}&date={TODAY}"
    assert (await clinic.ask("Ada", "GET", f"{day}&status=upcoming&status=completed")).is_success


async def test_json_opened_as_a_page_can_do_nothing(clinic: Clinic) -> None:
    for path in ("/v1/settings", "/v1/nothing"):
        headers = (await clinic.ask("Ada", "GET", path)).headers
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")


async def test_a_body_that_is_missing_is_pointed_at_as_a_whole(clinic: Clinic) -> None:
    answer = await clinic.ask("Ada", "POST", "/v1/templates")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b'"text"',
        b'{"text": "\\u0000"}',
        b'{"text": "\\ud800"}',
        b'{"text": "\xff"}',
        b'{"\\ud800": 1}',
    ],
)
async def test_a_note_that_is_no_text_is_malformed(clinic: Clinic, content: bytes) -> None:
    path = f"/v1/group-sessions/{clinic.id_of('any')}/roster/{clinic.patient_ids[0]}/note"
    assert (await clinic.ask("Margaret", "PUT", path, content=content)).status_code in {400, 422}


async def test_a_body_that_is_sent_piece_by_piece_is_limited_too(clinic: Clinic) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(BODY_BYTES_AT_MOST // 100_000 + 1):
            yield b"x" * 100_000

    answer = await clinic.ask("Ada", "POST", "/v1/templates", content=pieces())
    assert (answer.status_code, answer.json()["title"]) == (413, "The request is too large")


async def test_no_problem_repeats_what_was_written(
    clinic: Clinic, logs: list[MutableMapping[str, Any]]
) -> None:
    session_id = await clinic.started()
    here, secret = f"/v1/group-sessions/{session_id}", "Anna Okafor relapsed"
    patient = f"{here}/roster/{clinic.patient_ids[0]}/note"
    answers = [
        await clinic.ask("Margaret", "PUT", patient, json={"text": secret + "\x00"}),
        await clinic.ask("Margaret", "PUT", patient, json={"txt": secret}),
        await clinic.ask("Margaret", "PUT", patient, json={"text": [secret]}),
        await clinic.ask("Margaret", "PUT", f"{here}/group-note", json={"topic": secret * 20}),
        await clinic.ask("Margaret", "PUT", f"{here}/group-note", json={"topic": "x", "ended_at": secret}),
        await clinic.ask("Nora", "PUT", patient, json={"text": secret}),
    ]
    assert [one.status_code for one in answers] == [422, 422, 422, 422, 422, 403]
    assert not [one.text for one in answers if "Okafor" in one.text or "relapsed" in one.text]
    assert "Okafor" not in str(logs)


@pytest.mark.rule("PERM-8")
async def test_a_refusal_says_what_is_missing(clinic: Clinic) -> None:
    answer = await clinic.ask("Nora", "GET", f"/v1/group-sessions/{clinic.id_of('any')}")
    missing = {"therapist", "case_manager", "records_admin", "manage_group_sessions"}
    assert all(name in answer.json()["detail"] for name in missing)


@pytest.mark.rule("PERM-8")
async def test_every_refusal_is_written_down(clinic: Clinic) -> None:
    for name in STAFF:
        await clinic.ask(name, "PATCH", "/v1/settings", json={})
    refused = [one.user_id for one in await clinic.rows(TRAIL) if one.outcome == "refused"]
    assert sorted(refused) == sorted(clinic.id_of(name) for name in STAFF if name != "Ada")


@pytest.mark.rule("PERM-6")
async def test_both_review_features_on_one_user_are_refused(clinic: Clinic) -> None:
    path = f"/v1/directory/staff/{clinic.id_of('Nora')}/access"
    both = {"features": ["requires_group_session_review", "review_group_sessions"]}
    assert (await clinic.ask("Ada", "PUT", path, json=both)).status_code == 409
    me = await clinic.do("Nora", "GET", "/v1/directory/me")
    assert (me["roles"], me["features"]) == (["nurse"], [])
