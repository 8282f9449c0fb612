"""OWASP API Security Top 10 (2023) by enumeration: a route that nobody has thought about fails here."""

import pytest

from shared.testing.records import CLINIC
from tests.integration.authorisation.doors import SERVICES, Door, Open, clinic_of
from tests.integration.authorisation.rights import (
    LETTERS,
    OPEN,
    REFUSED_ON_MARGARETS,
    RIGHTS,
    SCOPED,
    Right,
    ids_of,
)

STREAM = "GET /v1/stream"
"""It does not end for those who may; who may not is refused at once."""


def _guarded(service: str) -> dict[str, Right]:
    return {route: right for route, right in RIGHTS[service].items() if right.who != OPEN}


async def _let_in(door: Door, route: str, right: Right) -> set[str]:
    allowed = set()
    for name in LETTERS.values():
        if route == STREAM and name in right.names:
            allowed.add(name)
            continue
        answer = await door.ask(name, route, ids=ids_of(door.service), body=right.body, query=right.query)
        assert answer.status_code < 500, (route, answer.text)
        assert answer.status_code not in {401, 422}, (route, answer.text)
        if answer.status_code != 403:
            allowed.add(name)
    return allowed


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_lets_in_those_of_the_table_and_nobody_else(service: str, opened: Open) -> None:
    door = await opened(service)
    assert door.routes() == set(RIGHTS[service])
    guarded = _guarded(service)
    found = {route: await _let_in(door, route, right) for route, right in guarded.items()}
    assert found == {route: right.names for route, right in guarded.items()}


@pytest.mark.parametrize("service", SERVICES)
async def test_without_a_token_or_with_a_broken_one_no_other_route_answers(
    service: str, opened: Open
) -> None:
    door = await opened(service)
    for route, right in _guarded(service).items():
        answer = await door.ask(None, route, ids=ids_of(service), body=right.body, query=right.query)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), route


@pytest.mark.parametrize("service", SERVICES)
async def test_who_is_on_no_staff_is_let_in_nowhere(service: str, opened: Open) -> None:
    door = await opened(service)
    for route, right in _guarded(service).items():
        answer = await door.ask("Stranger", route, ids=ids_of(service), body=right.body, query=right.query)
        assert answer.status_code == 403, route


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_account_reads_what_its_scope_says_and_nothing_else(
    service: str, opened: Open
) -> None:
    door = await opened(service)
    await door.employ_systems()
    for scope, routes in SCOPED.items():
        let_in = set()
        for route, right in _guarded(service).items():
            answer = await door.ask(scope, route, ids=ids_of(service), body=right.body, query=right.query)
            assert answer.status_code not in {401, 422, 500}, (route, answer.text)
            if answer.status_code != 403:
                let_in.add(route)
        assert let_in == routes & RIGHTS[service].keys()


@pytest.mark.parametrize("service", SERVICES)
async def test_no_route_takes_a_field_that_it_does_not_know(service: str, opened: Open) -> None:
    door = await opened(service)
    for route, right in RIGHTS[service].items():
        if not isinstance(right.body, dict):
            continue
        body = right.body | {"instance_id": str(CLINIC)}
        answer = await door.ask("Ada", route, ids=ids_of(service), body=body, query=right.query)
        assert answer.status_code == 422, route
        assert "#/instance_id" in {one["pointer"] for one in answer.json()["errors"]}, route
        again = await door.ask(
            "Ada", route, ids=ids_of(service), body=right.body, query=f"{right.query or '?'}&surprise=1"
        )
        assert again.status_code == 422, route


async def test_a_session_is_changed_by_who_leads_it_and_seen_by_who_sees_sessions(opened: Open) -> None:
    door = await opened("sessions")
    clinic = clinic_of(door, CLINIC)
    ids = ids_of("sessions") | {
        "session_id": await clinic.started(),
        "patient_id": clinic.patient_ids[0],
    }
    named = {
        route for route in RIGHTS["sessions"] if "{session_id}" in route and "{discarded_id}" not in route
    }
    assert named == set(REFUSED_ON_MARGARETS)
    before = await clinic.session(ids["session_id"])
    for route, letters in REFUSED_ON_MARGARETS.items():
        for letter in letters:
            answer = await door.ask(LETTERS[letter], route, ids=ids, body=RIGHTS["sessions"][route].body)
            assert answer.status_code == 403, (route, letter, answer.text)
    assert await clinic.session(ids["session_id"]) == before
