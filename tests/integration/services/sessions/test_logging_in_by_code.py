"""A front end has people log in at the issuer's own page (OAuth 2.1, RFC 7636, RFC 9207, OpenID Connect)."""

import asyncio
import re
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx2
import jwt
import pytest
import pytest_asyncio
from sqlalchemy import update

from services.sessions.configuration.use_cases import found_instance
from services.sessions.logging_in.by_code.use_cases import add_front_end
from services.sessions.logging_in.models import FAILED_LOG_IN
from shared.clock import now_utc
from shared.testing.identity import ISSUER
from tests.integration.services.sessions.front_door import LOGIN, PASSWORD, FrontDoor

BACK = "https://desk.riverbend.test/back"
# RFC 7636, appendix B.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A front end that is registered, and the browser of whoever uses it."""

    front_door: FrontDoor
    client_id: str

    async def send(self, method: str, path: str, **sent: Any) -> httpx2.Response:
        transport = httpx2.ASGITransport(app=self.front_door.application)
        async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as client:
            return await client.request(method, path, **sent)

    async def page(self, **changes: str) -> httpx2.Response:
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": BACK,
            "state": "of the browser",
            "nonce": "of the desk",
            "scope": "openid",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return await self.send("GET", "/oauth/authorize", params=asked | changes)

    async def typed(
        self,
        page: httpx2.Response,
        *,
        login: str = LOGIN,
        password: str = PASSWORD,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """Send the form of the page as a browser does."""
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
        fields = {name: unescape(value) for name, value in hidden}
        (action,) = re.findall(r'<form method="post" action="([^"]*)">', page.text)
        form = fields | {"login": login, "password": password}
        return await self.send("POST", str(page.url.join(action)), data=form, headers=headers)

    async def code(self, **changes: str) -> str:
        return answer_of(await self.typed(await self.page(**changes)))["code"]

    async def redeem(self, code: str, **changes: str) -> httpx2.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "redirect_uri": BACK,
            "code_verifier": VERIFIER,
        }
        return await self.front_door.form("/oauth/token", **(form | changes))

    async def refresh(self, token: str, **more: str) -> httpx2.Response:
        return await self.front_door.form(
            "/oauth/token", grant_type="refresh_token", refresh_token=token, **more
        )


def answer_of(response: httpx2.Response) -> dict[str, str]:
    assert response.status_code == 303, response.text
    place = urlsplit(response.headers["location"])
    assert f"{place.scheme}://{place.netloc}{place.path}" == BACK
    return dict(parse_qsl(place.query))


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


@pytest_asyncio.fixture
async def desk(front_door: FrontDoor) -> Desk:
    wanted = {"name": "Front <desk>", "redirect_uris": [BACK]}
    added = await add_front_end(front_door.database, front_door.admin, wanted, clock=front_door.clock)
    return Desk(front_door=front_door, client_id=str(added["id"]))


async def test_a_front_end_finds_all_that_it_needs_and_its_user_logs_in(desk: Desk) -> None:
    found = (await desk.send("GET", "/.well-known/openid-configuration")).json()
    assert found == (await desk.send("GET", "/.well-known/oauth-authorization-server")).json()
    assert (found["issuer"], found["authorization_endpoint"]) == (ISSUER, f"{ISSUER}/oauth/authorize")
    answer = answer_of(await desk.typed(await desk.page()))
    assert (answer["state"], answer["iss"]) == ("of the browser", ISSUER)
    tokens = (await desk.redeem(answer["code"])).json()
    keys = jwt.PyJWKSet.from_dict((await desk.send("GET", found["jwks_uri"])).json())
    told = jwt.decode(tokens["id_token"], keys.keys[0], algorithms=["EdDSA"], audience=desk.client_id)
    me = await desk.front_door.ask("GET", "/v1/directory/me", token=tokens["access_token"])
    assert (told["iss"], told["nonce"], told["sub"]) == (ISSUER, "of the desk", me.json()["user_id"])
    assert (await desk.front_door.ask("GET", "/v1/directory/me", token=tokens["id_token"])).status_code == 401


async def test_the_page_is_kept_by_nobody_framed_by_nobody_and_runs_nothing(desk: Desk) -> None:
    page = await desk.page()
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self' https://desk.riverbend.test; frame-ancestors 'none'" in policy
    assert "<script" not in page.text
    assert "Front &lt;desk&gt;" in page.text
    for hint in ('autocomplete="username"', 'autocomplete="current-password"'):
        assert hint in page.text


@pytest.mark.rule("SIGN-4")
async def test_a_front_end_has_the_password_asked_for_again_before_signing(desk: Desk) -> None:
    first = (await desk.redeem(await desk.code())).json()
    desk.front_door.clock.forward(minutes=6)
    renewed = (await desk.refresh(first["refresh_token"], client_id=desk.client_id)).json()
    again = (await desk.redeem(await desk.code(max_age="300", prompt="login"))).json()
    times = [claims_of(one["access_token"])["auth_time"] for one in (first, renewed, again)]
    assert [at - times[0] for at in times] == [0, 0, 360]


async def test_a_code_that_comes_twice_ends_what_came_from_it(desk: Desk) -> None:
    code = await desk.code()
    tokens = (await desk.redeem(code)).json()
    again = await desk.redeem(code, code_verifier="v" * 43)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    refused = await desk.refresh(tokens["refresh_token"], client_id=desk.client_id)
    assert refused.json()["error"] == "invalid_grant"
    assert "log_in.code_reused" in await desk.front_door.actions()


async def test_of_two_who_show_a_code_at_once_nobody_stays_in(desk: Desk) -> None:
    code = await desk.code()
    answers = await asyncio.gather(*(desk.redeem(code) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [200, 400]
    (token,) = [one.json()["refresh_token"] for one in answers if one.status_code == 200]
    assert (await desk.refresh(token, client_id=desk.client_id)).status_code == 400


async def test_a_code_is_good_for_its_front_end_its_address_and_its_verifier_and_for_a_minute(
    desk: Desk,
) -> None:
    code = await desk.code()
    for change in (
        {"code_verifier": "v" * 43},
        {"client_id": "018f0000-0000-7000-8000-00000000dead"},
        {"redirect_uri": BACK + "/"},
    ):
        assert (await desk.redeem(code, **change)).json()["error"] == "invalid_grant", change
    desk.front_door.clock.forward(seconds=59)
    assert (await desk.redeem(code)).status_code == 200
    late = await desk.code()
    desk.front_door.clock.forward(seconds=60)
    assert (await desk.redeem(late)).json()["error"] == "invalid_grant"
    assert (await desk.redeem("made up")).json()["error"] == "invalid_grant"
    assert (await desk.redeem(late, code_verifier="")).json()["error"] == "invalid_request"


async def test_only_the_front_end_itself_renews_its_log_in(desk: Desk) -> None:
    token = (await desk.redeem(await desk.code())).json()["refresh_token"]
    for client in ({}, {"client_id": "018f0000-0000-7000-8000-00000000dead"}):
        assert (await desk.refresh(token, **client)).json()["error"] == "invalid_grant"
    assert (await desk.refresh(token, client_id=desk.client_id)).status_code == 200


async def test_nothing_is_ever_sent_to_an_address_that_is_not_registered(desk: Desk) -> None:
    for change in (
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": "https://thief.test/"},
        {"client_id": "018f0000-0000-7000-8000-00000000dead"},
        {"client_id": "nobody"},
    ):
        refused = await desk.page(**change)
        assert (refused.status_code, "location" in refused.headers) == (400, False), change
        assert "<form" not in refused.text
    twice = await desk.send("GET", f"/oauth/authorize?client_id={desk.client_id}&state=a&state=b")
    assert (twice.status_code, "location" in twice.headers) == (400, False)


async def test_what_a_known_front_end_asks_wrongly_it_is_told(desk: Desk) -> None:
    answer = answer_of(await desk.page(code_challenge_method="plain", unknown="ignored"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("invalid_request", "of the browser", ISSUER)


async def test_a_wrong_password_shows_the_page_again_and_is_counted(desk: Desk) -> None:
    page = await desk.page()
    wrong = await desk.typed(page, login='"><b>', password="wrong horse battery")
    assert (wrong.status_code, "The login or the password is not right." in wrong.text) == (401, True)
    assert 'value="&#34;&gt;&lt;b&gt;"' in wrong.text
    answer = answer_of(await desk.typed(wrong))
    assert answer["state"] == "of the browser"
    await desk.typed(page, password="wrong horse battery")
    async with desk.front_door.database.engine.begin() as connection:
        await connection.execute(update(FAILED_LOG_IN).values(failures=5))
    slowed = await desk.typed(page)
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "1")


async def test_a_form_of_another_site_logs_nobody_in(desk: Desk) -> None:
    page = await desk.page()
    elsewhere = ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://thief.test"}, {"Origin": "null"})
    for headers in elsewhere:
        refused = await desk.typed(page, headers=headers)
        assert (refused.status_code, "location" in refused.headers) == (403, False)
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": ISSUER}):
        answer_of(await desk.typed(page, headers=headers))


async def test_the_staff_of_another_clinic_neither_logs_in_here_nor_sees_the_front_end(desk: Desk) -> None:
    login, password = "admin@lakeside", "purple staple giraffe"
    database = desk.front_door.database
    await found_instance(database, name="Lakeside", login=login, password=password, clock=now_utc)
    assert (await desk.typed(await desk.page(), login=login, password=password)).status_code == 401
    token = (await desk.front_door.log_in(login, password)).json()["access_token"]
    listed = await desk.front_door.ask("GET", "/v1/front-ends", token=token)
    assert listed.json() == {"items": []}
    path = f"/v1/front-ends/{desk.client_id}/end"
    assert (await desk.front_door.ask("POST", path, token=token)).status_code == 404


async def test_a_super_admin_registers_a_front_end_with_addresses_that_are_fit(front_door: FrontDoor) -> None:
    token, path = await front_door.token(), "/v1/front-ends"
    body: dict[str, Any] = {"name": "Desk", "redirect_uris": ["http://desk.riverbend.test/"]}
    unfit = await front_door.ask("POST", path, token=token, json=body)
    added = await front_door.ask("POST", path, token=token, json=body | {"redirect_uris": [BACK]})
    assert (unfit.status_code, added.status_code) == (422, 201)
    listed = await front_door.ask("GET", path, token=token)
    assert listed.json() == {"items": [added.json()]}


async def test_when_a_front_end_ends_so_do_the_log_ins_from_it(desk: Desk) -> None:
    unused, token = await desk.code(), (await desk.redeem(await desk.code())).json()["refresh_token"]
    admin = await desk.front_door.token()
    path = "/v1/front-ends"
    for _ in range(2):
        ended = await desk.front_door.ask("POST", f"{path}/{desk.client_id}/end", token=admin)
        assert ended.status_code == 204
    assert (await desk.refresh(token, client_id=desk.client_id)).status_code == 400
    assert (await desk.redeem(unused)).status_code == 400
    assert (await desk.page()).status_code == 400
    (listed,) = (await desk.front_door.ask("GET", path, token=admin)).json()["items"]
    assert (listed["name"], listed["ended_at"] is None) == ("Front <desk>", False)
    assert [one for one in await desk.front_door.actions() if one.startswith("front_end")] == [
        "front_end.added",
        "front_end.ended",
    ]
