"""An issuer that knows nothing of OpenCircle's ids: its users, and how well they have logged in."""

from dataclasses import replace
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.sessions.main import build_application
from services.sessions.metadata import LEDGER
from services.sessions.settings import SessionsSettings
from shared.events.catalogue import STAFF_ACCESS_CHANGED, parse
from shared.settings import Subjects
from shared.testing.identity import ISSUER
from tests.integration.services.sessions.clinic import Clinic

SUBJECT = "auth0|margaret"


def _rebuilt(clinic: Clinic, *, own: dict[str, Any] | None = None, **settings: Any) -> Clinic:
    application = build_application(
        clinic.application.state.settings.model_copy(update=settings),
        SessionsSettings(database_url=SecretStr("given by the fixture"), **own or {}),
        database=clinic.database,
        clock=clinic.clock,
    )
    return replace(clinic, application=application)


async def _known_as(clinic: Clinic, subject: str | None, name: str = "Margaret") -> httpx2.Response:
    path = f"/v1/directory/staff/{clinic.id_of(name)}"
    before = await clinic.ask("Ada", "GET", path)
    headers = {"If-Match": before.headers["etag"]}
    return await clinic.ask("Ada", "PATCH", path, json={"external_subject": subject}, headers=headers)


async def _me(clinic: Clinic, **claims: Any) -> httpx2.Response:
    token = clinic.issuer.token_for(clinic.id_of("Nora"), instance_id=clinic.instance_id, **claims)
    return await clinic.ask(None, "GET", "/v1/directory/me", token=token)


@pytest_asyncio.fixture
async def mapped(clinic: Clinic) -> Clinic:
    """The clinic, whose issuer knows Margaret by a name of its own."""
    assert (await _known_as(clinic, SUBJECT)).status_code == 200
    return _rebuilt(clinic, subjects=Subjects.EXTERNAL, subject_claim="upn", instance_claim="org")


@pytest.mark.parametrize("names_instance", [False, True])
async def test_a_user_is_found_by_the_issuers_own_name(mapped: Clinic, names_instance: bool) -> None:
    org = str(mapped.instance_id) if names_instance else None
    answer = await _me(mapped, upn=SUBJECT, org=org, instance=None, sub="0815")
    assert answer.json()["user_id"] == str(mapped.id_of("Margaret"))


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"upn": "auth0|tom"}, 403),
        ({"upn": SUBJECT, "org": "00000000-0000-4000-8000-000000000000"}, 403),
        ({"upn": SUBJECT, "org": "riverbend"}, 401),
        ({"upn": ["auth0|margaret"]}, 401),
        ({}, 401),
    ],
    ids=["nobody", "another instance", "no instance", "a list", "nothing"],
)
async def test_whoever_the_directory_does_not_know_is_not_let_in(
    mapped: Clinic, claims: dict[str, Any], status: int
) -> None:
    assert (await _me(mapped, **claims)).status_code == status


async def test_the_others_hear_it_and_the_name_is_one_users(mapped: Clinic) -> None:
    (event,) = await mapped.rows(LEDGER.event)
    (member,) = parse(event.body, STAFF_ACCESS_CHANGED).data.members
    assert (member.external.issuer, member.external.subject) == (ISSUER, SUBJECT)
    clinic = _rebuilt(mapped, subjects=Subjects.OWN, subject_claim="sub", instance_claim="instance")
    assert (await _known_as(clinic, SUBJECT, "Tom")).status_code == 409
    assert (await _known_as(clinic, None)).json()["external_issuer"] is None
    assert (await _known_as(clinic, SUBJECT, "Tom")).status_code == 200


async def test_a_name_that_two_clinics_know_is_nobodys_until_the_token_names_one(
    mapped: Clinic, other_clinic: Clinic
) -> None:
    await _known_as(other_clinic, SUBJECT)
    assert (await _me(mapped, upn=SUBJECT, instance=None)).status_code == 403
    named = await _me(mapped, upn=SUBJECT, org=str(other_clinic.instance_id))
    assert named.json()["user_id"] == str(other_clinic.id_of("Margaret"))


@pytest.mark.rule("SIGN-1")
async def test_who_signs_has_logged_in_as_well_as_the_clinic_asks(clinic: Clinic) -> None:
    strict = _rebuilt(clinic, own={"signing_acr_values": ("phr", "mfa"), "signing_amr_values": ("hwk",)})
    path = f"/v1/group-sessions/{await strict.documented()}/signatures"
    seen = {}
    for acr, amr in [("pwd", ["hwk"]), ("mfa", ["otp"]), ("mfa", ["pwd", "hwk"])]:
        token = strict.issuer.token_for(
            strict.id_of("Margaret"),
            instance_id=strict.instance_id,
            auth_time=strict.clock(),
            acr=acr,
            amr=amr,
        )
        answer = await strict.ask(None, "POST", path, json={}, token=token)
        seen[acr, amr[-1]] = (answer.status_code, answer.headers.get("www-authenticate", "")[-22:])
    challenge = (401, ', acr_values="phr mfa"')
    assert seen == {("pwd", "hwk"): challenge, ("mfa", "otp"): challenge, ("mfa", "hwk"): (428, "")}
