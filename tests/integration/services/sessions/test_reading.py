import base64
from typing import Any

import pytest

from services.sessions.metadata import TRAIL
from tests.integration.services.sessions.clinic import STAFF, TODAY, Clinic
from tests.integration.services.sessions.statements import counted_statements


def _day(clinic: Clinic) -> str:
    return f"/v1/group-sessions?location_id={clinic.location_id}&date={TODAY}"


async def test_a_larger_roster_takes_no_more_statements(clinic: Clinic) -> None:
    small = await clinic.started()
    await clinic.admit(*(clinic.patient(number) for number in range(3, 30)))
    large = await clinic.started(title="Large")
    with counted_statements(clinic) as few:
        await clinic.session(small)
    with counted_statements(clinic) as many:
        assert len((await clinic.session(large))["roster"]) == 30
    assert len(many) == len(few) <= 9


async def test_signing_a_larger_roster_takes_no_more_statements(clinic: Clinic) -> None:
    small = await clinic.documented()
    await clinic.admit(*(clinic.patient(number) for number in range(3, 30)))
    large = await clinic.documented(title="Large")
    with counted_statements(clinic) as few:
        await clinic.sign(small)
    with counted_statements(clinic) as many:
        await clinic.sign(large)
    assert len(many) == len(few)


async def test_a_session_is_not_kept_by_caches_and_names_its_version(clinic: Clinic) -> None:
    session_id = await clinic.started()
    answer = await clinic.ask("Margaret", "GET", f"/v1/group-sessions/{session_id}")
    assert answer.headers["cache-control"] == "no-store"
    before = answer.headers["etag"]
    await clinic.write_note(session_id, clinic.patient_ids[0], "Changed.")
    assert (await clinic.ask("Margaret", "GET", f"/v1/group-sessions/{session_id}")).headers["etag"] != before


@pytest.mark.rule("PERM-7")
async def test_sessions_are_seen_by_who_leads_or_reviews(clinic: Clinic) -> None:
    paths = [_day(clinic), f"/v1/group-sessions/{await clinic.planned()}"]
    statuses = {name: [(await clinic.ask(name, "GET", one)).status_code for one in paths] for name in STAFF}
    refused = {"Tess", "Nora", "Dora", "Fay"}
    assert statuses == {name: [403, 403] if name in refused else [200, 200] for name in STAFF}


@pytest.mark.rule("PERM-8")
async def test_reading_is_in_the_trail(clinic: Clinic) -> None:
    session_id = await clinic.planned()
    await clinic.session(session_id)
    await clinic.do("Margaret", "GET", _day(clinic))
    await clinic.do("Margaret", "GET", "/v1/directory/patients")
    await clinic.ask("Nora", "GET", "/v1/directory/patients")
    first, second, third = clinic.patient_ids
    trail = [(one.action, one.outcome, one.patient_id) for one in (await clinic.rows(TRAIL))[-6:]]
    assert trail == [
        ("session.seen", "allowed", None),
        ("day.seen", "allowed", None),
        ("patients.listed", "allowed", first),
        ("patients.listed", "allowed", second),
        ("patients.listed", "allowed", third),
        ("GET /v1/directory/patients", "refused", None),
    ]


@pytest.mark.parametrize("kind", ["patients", "staff", "locations"])
async def test_a_list_is_paged_without_gaps_or_doubles(clinic: Clinic, kind: str) -> None:
    path = f"/v1/directory/{kind}?limit=2"
    whole = (await clinic.do("Ada", "GET", f"/v1/directory/{kind}"))["items"]
    seen: list[Any] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        page = await clinic.do("Ada", "GET", path + (f"&cursor={page['next']}" if page["next"] else ""))
        seen += page["items"]
    assert seen == whole


@pytest.mark.parametrize("cursor", ["x", "W10", "WyIAIiwiYSIsImIiXQ", "WzEsMiwzXQ"])
async def test_a_cursor_of_somewhere_else_is_malformed(clinic: Clinic, cursor: str) -> None:
    answer = await clinic.ask("Ada", "GET", f"/v1/directory/patients?cursor={cursor}")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "query:cursor")


async def test_a_cursor_shows_no_name_of_a_patient(clinic: Clinic) -> None:
    page = await clinic.do("Ada", "GET", "/v1/directory/patients?limit=1")
    packed = page["next"].rpartition(".")[2]
    content = base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    assert page["items"][0]["last_name"].encode() not in content
