import asyncio
from datetime import timedelta
from json import loads as json_of
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm
from sqlalchemy import select, update

from services.sessions.logging_in.models import FAILED_LOG_IN, LOG_IN
from shared.testing.identity import ISSUER
from tests.integration.services.sessions.front_door import LOGIN, PASSWORD, FrontDoor

MARGARETS = {"login": "margaret", "password": "purple staple giraffe"}


async def test_who_logs_in_gets_a_token_that_works(front_door: FrontDoor) -> None:
    me = await front_door.ask("GET", "/v1/directory/me", token=await front_door.token())
    assert (me.status_code, me.json()["roles"]) == (200, ["super_admin"])


@pytest.mark.parametrize(
    ("login", "password"),
    [(LOGIN, "wrong horse battery"), ("nobody@riverbend", PASSWORD), (LOGIN, "")],
    ids=["wrong password", "unknown login", "no password"],
)
async def test_a_log_in_that_fails_does_not_say_why(front_door: FrontDoor, login: str, password: str) -> None:
    answer = await front_door.log_in(login, password)
    assert (answer.status_code, answer.json()["detail"]) == (401, "The login or the password is not right.")


async def test_a_login_that_no_database_can_hold_is_malformed(front_door: FrontDoor) -> None:
    assert (await front_door.log_in("admin\x00")).status_code == 422


async def test_a_second_login_of_one_user_is_refused(front_door: FrontDoor) -> None:
    token = await front_door.token()
    me = (await front_door.ask("GET", "/v1/directory/me", token=token)).json()["user_id"]
    path, body = f"/v1/directory/staff/{me}/login", {"login": LOGIN, "password": "another long password"}
    assert (await front_door.ask("PUT", path, token=token, json=body)).status_code == 409


async def test_a_short_password_is_refused_without_repeating_it(front_door: FrontDoor) -> None:
    token = await front_door.token()
    me = (await front_door.ask("GET", "/v1/directory/me", token=token)).json()["user_id"]
    body = {"login": "margaret", "password": "hunter2"}
    answer = await front_door.ask("PUT", f"/v1/directory/staff/{me}/login", token=token, json=body)
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


async def test_the_public_keys_are_open_and_hold_no_private_part(front_door: FrontDoor) -> None:
    (key,) = (await front_door.ask("GET", "/.well-known/jwks.json")).json()["keys"]
    assert (key["kty"], key["crv"]) == ("OKP", "Ed25519")
    assert "d" not in key


async def _failed_often(front_door: FrontDoor, times: int, *, login: str = LOGIN) -> None:
    """Write down failures without paying for each with a slow hash."""
    await front_door.log_in(login, "wrong horse battery")
    async with front_door.database.engine.begin() as connection:
        await connection.execute(update(FAILED_LOG_IN).values(failures=times))


@pytest.mark.parametrize("login", [LOGIN, "nobody@riverbend"])
async def test_after_failures_a_login_waits_whether_somebody_has_it_or_not(
    front_door: FrontDoor, login: str
) -> None:
    await _failed_often(front_door, 9, login=login)
    refused = await front_door.log_in(login)
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "16")
    assert refused.json()["type"].endswith("/too-many-failed-log-ins")
    front_door.clock.forward(seconds=16)
    assert (await front_door.log_in(login)).status_code == (200 if login == LOGIN else 401)


async def test_a_success_begins_the_count_anew(front_door: FrontDoor) -> None:
    for _ in range(2):
        await front_door.log_in(password="wrong horse battery")
    assert (await front_door.log_in()).status_code == 200
    async with front_door.database.engine.connect() as connection:
        assert (await connection.execute(select(FAILED_LOG_IN.c.failures))).scalars().all() == [2]


async def test_after_a_hundred_failures_only_a_super_admin_helps(front_door: FrontDoor) -> None:
    token = await front_door.token()
    me = (await front_door.ask("GET", "/v1/directory/me", token=token)).json()["user_id"]
    await _failed_often(front_door, 100)
    front_door.clock.forward(minutes=14)
    assert (await front_door.log_in()).json()["detail"] == "A Super Admin has to unlock this login."
    unlock = f"/v1/directory/staff/{me}/login/unlock"
    assert (await front_door.ask("POST", unlock, token=token)).status_code == 204
    async with front_door.database.engine.begin() as connection:
        await connection.execute(update(FAILED_LOG_IN).values(failures=0))
    assert (await front_door.log_in()).status_code == 200
    assert "login.unlocked" in await front_door.actions()


async def test_failures_and_log_ins_are_in_the_audit_trail(front_door: FrontDoor) -> None:
    await front_door.log_in(password="wrong horse battery")
    await front_door.log_in("nobody@riverbend")
    await front_door.log_in()
    assert [one for one in await front_door.actions() if one.startswith("log_in")] == [
        "log_in.failed",
        "log_in.opened",
    ]


async def test_a_refresh_gives_the_next_token_with_the_first_authentication(front_door: FrontDoor) -> None:
    first = (await front_door.log_in()).json()
    front_door.clock.forward(minutes=14)
    second = (await front_door.refresh(first["refresh_token"])).json()
    claims = [jwt.decode(one["access_token"], options={"verify_signature": False}) for one in (first, second)]
    assert claims[0]["auth_time"] == claims[1]["auth_time"]
    assert claims[1]["exp"] - claims[0]["exp"] == 14 * 60
    assert (await front_door.refresh(second["refresh_token"])).status_code == 200


async def test_a_refresh_token_that_comes_twice_ends_the_log_in(front_door: FrontDoor) -> None:
    stolen = (await front_door.log_in()).json()["refresh_token"]
    newer = (await front_door.refresh(stolen)).json()["refresh_token"]
    for token in (stolen, newer, "made up"):
        answer = await front_door.refresh(token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert "log_in.token_reused" in await front_door.actions()


async def test_of_two_refreshes_at_once_at_most_one_is_given(front_door: FrontDoor) -> None:
    token = (await front_door.log_in()).json()["refresh_token"]
    answers = await asyncio.gather(*(front_door.refresh(token) for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [200, 400, 400]


async def test_who_is_idle_for_a_quarter_of_an_hour_is_out(front_door: FrontDoor) -> None:
    token = (await front_door.log_in()).json()["refresh_token"]
    front_door.clock.forward(minutes=15)
    assert (await front_door.refresh(token)).status_code == 400


async def test_after_twelve_hours_everybody_is_out_however_busy(front_door: FrontDoor) -> None:
    token = (await front_door.log_in()).json()["refresh_token"]
    began = front_door.clock() - timedelta(hours=11, minutes=57)
    async with front_door.database.engine.begin() as connection:
        await connection.execute(update(LOG_IN).values(authenticated_at=began))
    answer = (await front_door.refresh(token)).json()
    assert answer["expires_in"] == 3 * 60
    front_door.clock.forward(minutes=3)
    assert (await front_door.refresh(answer["refresh_token"])).status_code == 400


async def test_who_logs_out_is_out(front_door: FrontDoor) -> None:
    token = (await front_door.log_in()).json()["refresh_token"]
    for one in (token, token, "made up"):
        assert (await front_door.form("/oauth/revocation", token=one)).status_code == 200
    assert (await front_door.refresh(token)).status_code == 400


async def test_users_see_their_log_ins_and_end_one(front_door: FrontDoor) -> None:
    elsewhere, here = (await front_door.log_in()).json(), (await front_door.log_in()).json()
    path, token = "/v1/log-ins", here["access_token"]
    items = (await front_door.ask("GET", path, token=token)).json()["items"]
    assert [one["current"] for one in items] == [True, False]
    for status in (204, 404):
        answer = await front_door.ask("DELETE", f"{path}/{items[1]['id']}", token=token)
        assert answer.status_code == status
    assert (await front_door.refresh(elsewhere["refresh_token"])).status_code == 400
    assert (await front_door.refresh(here["refresh_token"])).status_code == 200


async def test_a_new_password_ends_all_other_log_ins(front_door: FrontDoor) -> None:
    elsewhere, here = (await front_door.log_in()).json(), (await front_door.log_in()).json()
    body = {"old_password": PASSWORD, "new_password": "battery staple correct"}
    path = "/v1/directory/me/password"
    answer = await front_door.ask("PUT", path, token=here["access_token"], json=body)
    assert answer.status_code == 204, answer.text
    assert (await front_door.log_in(password="battery staple correct")).status_code == 200
    assert (await front_door.refresh(elsewhere["refresh_token"])).status_code == 400
    assert (await front_door.refresh(here["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("wrong horse battery", "battery staple correct", 403),
        (PASSWORD, "passwordpassword", 422),
        (PASSWORD, "short password", 422),
    ],
    ids=["wrong old one", "common", "short"],
)
async def test_a_password_is_not_changed(front_door: FrontDoor, old: str, new: str, status: int) -> None:
    body, token = {"old_password": old, "new_password": new}, await front_door.token()
    answer = await front_door.ask("PUT", "/v1/directory/me/password", token=token, json=body)
    assert answer.status_code == status
    assert (await front_door.log_in()).status_code == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({}, "invalid_request"),
    ],
    ids=["grant", "token", "nothing"],
)
async def test_forms_are_refused_as_the_standard_says(
    front_door: FrontDoor, fields: dict[str, str], error: str
) -> None:
    answer = await front_door.form("/oauth/token", **fields)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def _new_therapist(front_door: FrontDoor, token: str) -> str:
    person = {"first_name": "Margaret", "last_name": "Chen"}
    added = await front_door.ask("POST", "/v1/directory/staff", token=token, json=person)
    path = f"/v1/directory/staff/{added.json()['id']}"
    await front_door.ask("PUT", f"{path}/access", token=token, json={"roles": ["therapist"]})
    await front_door.ask("PUT", f"{path}/login", token=token, json=MARGARETS)
    return path


async def test_a_super_admin_gives_a_new_password_and_the_users_log_ins_end(front_door: FrontDoor) -> None:
    token = await front_door.token()
    path = await _new_therapist(front_door, token)
    refresh_token = (await front_door.log_in(**MARGARETS)).json()["refresh_token"]
    body = {"new_password": "battery staple correct"}
    mine = (await front_door.ask("GET", "/v1/directory/me", token=token)).json()["user_id"]
    own = await front_door.ask("PUT", f"/v1/directory/staff/{mine}/login/password", token=token, json=body)
    given = await front_door.ask("PUT", f"{path}/login/password", token=token, json=body)
    assert (own.status_code, given.status_code) == (403, 204)
    assert (await front_door.refresh(refresh_token)).status_code == 400
    assert (await front_door.log_in(**MARGARETS)).status_code == 401
    assert (await front_door.log_in(MARGARETS["login"], body["new_password"])).status_code == 200
    assert "login.password_replaced" in await front_door.actions()


async def test_an_access_token_outlives_its_log_in_by_five_minutes_at_most(front_door: FrontDoor) -> None:
    assert (await front_door.log_in()).json()["expires_in"] == 300


KEY = Ed25519PrivateKey.generate()
PUBLIC_KEY = json_of(OKPAlgorithm.to_jwk(KEY.public_key()))
ASSERTED = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def _new_account(front_door: FrontDoor) -> Any:
    body = {"name": "Ledger", "scopes": ["charges:read"], "public_key": PUBLIC_KEY}
    added = await front_door.ask("POST", "/v1/service-accounts", token=await front_door.token(), json=body)
    assert added.status_code == 201, added.text
    return added.json()["id"]


async def _asserted(front_door: FrontDoor, account_id: str, **changes: Any) -> httpx2.Response:
    claims = {"iss": account_id, "sub": account_id, "aud": ISSUER, "jti": "once"} | changes
    key = claims.pop("key", KEY)
    expires_at = front_door.clock() + timedelta(minutes=claims.pop("minutes", 1))
    assertion = jwt.encode(claims | {"exp": expires_at}, key, algorithm="EdDSA")
    grant = {"grant_type": "client_credentials", "client_assertion_type": ASSERTED}
    return await front_door.form("/oauth/token", **grant, client_assertion=assertion)


async def test_a_service_account_gets_tokens_by_its_key_until_it_has_ended(front_door: FrontDoor) -> None:
    account_id = await _new_account(front_door)
    answer = (await _asserted(front_door, account_id)).json()
    assert (answer["expires_in"], answer["scope"], answer.keys() & {"refresh_token"}) == (
        300,
        "charges:read",
        set(),
    )
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims.get("auth_time"), claims.get("sid")) == (account_id, None, None)
    me = await front_door.ask("GET", "/v1/directory/me", token=answer["access_token"])
    assert me.status_code == 403
    token = await front_door.token()
    await front_door.ask("POST", f"/v1/service-accounts/{account_id}/end", token=token)
    assert (await _asserted(front_door, account_id, jti="again")).status_code == 401
    (listed,) = (await front_door.ask("GET", "/v1/service-accounts", token=token)).json()["items"]
    assert (listed["name"], listed["ended_at"] is None) == ("Ledger", False)
    assert [one for one in await front_door.actions() if one.startswith("service_account")] == [
        "service_account.added",
        "service_account.token",
        "service_account.ended",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.test"},
        {"iss": "018f0000-0000-7000-8000-00000000dead"},
        {"sub": "018f0000-0000-7000-8000-00000000dead"},
        {"key": Ed25519PrivateKey.generate()},
        {"minutes": -1},
        {"minutes": 60},
        {"jti": "used"},
        {"jti": ["used"]},
    ],
    ids=["audience", "issuer", "subject", "key", "too old", "too long", "again", "a list"],
)
async def test_a_forged_late_or_repeated_assertion_gives_no_token(
    front_door: FrontDoor, changes: dict[str, Any]
) -> None:
    account_id = await _new_account(front_door)
    await _asserted(front_door, account_id, jti="used")
    answer = await _asserted(front_door, account_id, **changes)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_a_service_account_is_never_given_a_private_key_or_a_staffs_name(front_door: FrontDoor) -> None:
    token, body = await front_door.token(), {"name": "Ledger", "scopes": ["charts:read"]}
    private = json_of(OKPAlgorithm.to_jwk(KEY))
    person = {"first_name": "Tom", "last_name": "Chen", "external_subject": "auth0|tom"}
    await front_door.ask("POST", "/v1/directory/staff", token=token, json=person)
    for shown, status in [
        ({"public_key": private}, 422),
        ({}, 422),
        ({"external_subject": "auth0|tom"}, 409),
    ]:
        answer = await front_door.ask("POST", "/v1/service-accounts", token=token, json=body | shown)
        assert (answer.status_code, private["d"] in answer.text) == (status, False)
