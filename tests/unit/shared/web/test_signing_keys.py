"""Keys of an issuer elsewhere: fetched beside the requests, kept while it is away."""

import asyncio
import threading
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import jwt
import pytest
from structlog.testing import capture_logs

from shared.identifiers import new_id
from shared.testing.identity import AUDIENCE, ISSUER, KEY_ID, TokenIssuer
from shared.web.identity import TokenVerifier
from shared.web.problems import UnauthenticatedProblem
from shared.web.signing_keys import (
    FRESH_SECONDS,
    KEPT_SECONDS,
    PAUSE_SECONDS,
    FetchedKeys,
    KeysUnavailableProblem,
)

PATIENCE_SECONDS = 10


class Issuer:
    """Gives its keys, or fails, or is slow; counts how often it was asked."""

    def __init__(self, folder: Path) -> None:
        self.tokens = TokenIssuer(folder)
        self.asked = 0
        self.away = False
        self.begun, self.answers = threading.Event(), threading.Event()
        self.answers.set()
        self.seconds = 0.0

    def fetch(self) -> jwt.PyJWKSet:
        self.asked += 1
        self.begun.set()
        assert self.answers.wait(PATIENCE_SECONDS), "nobody was there to let it answer"
        if self.away:
            raise jwt.PyJWKClientConnectionError("away")
        return jwt.PyJWKSet.from_json(self.tokens.key_file.read_text())

    def token(self, key_id: str = KEY_ID) -> str:
        token = self.tokens.token_for(new_id(), instance_id=new_id())
        if key_id == KEY_ID:
            return token
        return jwt.encode({}, "a made-up secret of thirty-two bytes", headers={"kid": key_id})


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer(tmp_path)


@pytest.fixture
def keys(issuer: Issuer) -> FetchedKeys:
    return FetchedKeys(issuer.fetch, monotonic=lambda: issuer.seconds)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as captured:
        yield captured


async def _settled(keys: FetchedKeys) -> None:
    if keys._fetching is not None:
        await keys._fetching


async def test_all_who_wait_at_first_share_one_fetch(issuer: Issuer, keys: FetchedKeys) -> None:
    found = await asyncio.gather(*(keys.key_for(issuer.token()) for _ in range(20)))
    assert ({one.key_id for one in found}, issuer.asked) == ({KEY_ID}, 1)


async def test_a_slow_issuer_does_not_hold_up_the_loop(issuer: Issuer, keys: FetchedKeys) -> None:
    issuer.answers.clear()
    waiting = asyncio.create_task(keys.key_for(issuer.token()))
    assert await asyncio.to_thread(issuer.begun.wait, PATIENCE_SECONDS)
    # Were the fetch made on the loop, nobody could let it end.
    issuer.answers.set()
    assert (await waiting).key_id == KEY_ID


async def test_stale_keys_serve_while_new_ones_are_fetched(issuer: Issuer, keys: FetchedKeys) -> None:
    await keys.key_for(issuer.token())
    issuer.seconds += FRESH_SECONDS + 1
    issuer.answers.clear()
    assert (await keys.key_for(issuer.token())).key_id == KEY_ID
    issuer.answers.set()
    await _settled(keys)
    assert issuer.asked == 2


async def test_keys_at_hand_serve_an_hour_while_the_issuer_is_away(
    issuer: Issuer, keys: FetchedKeys, logs: list[MutableMapping[str, Any]]
) -> None:
    await keys.key_for(issuer.token())
    issuer.away = True
    issuer.seconds += KEPT_SECONDS
    assert (await keys.key_for(issuer.token())).key_id == KEY_ID
    await _settled(keys)
    issuer.seconds += PAUSE_SECONDS
    with pytest.raises(KeysUnavailableProblem):
        await keys.key_for(issuer.token())
    assert {one["code"] for one in logs} == {"keys.unavailable"}


async def test_without_any_key_the_service_is_unavailable_and_recovers(
    issuer: Issuer, keys: FetchedKeys
) -> None:
    issuer.away = True
    with pytest.raises(KeysUnavailableProblem) as refused:
        await keys.key_for(issuer.token())
    assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "5"})
    issuer.away = False
    issuer.seconds += PAUSE_SECONDS
    assert (await keys.key_for(issuer.token())).key_id == KEY_ID


async def test_made_up_key_ids_do_not_have_the_issuer_asked_each_time(
    issuer: Issuer, keys: FetchedKeys
) -> None:
    await keys.key_for(issuer.token())
    for number in range(20):
        with pytest.raises(jwt.InvalidKeyError):
            await keys.key_for(issuer.token(f"made up {number}"))
    assert issuer.asked == 1


async def test_a_new_key_is_fetched_when_a_token_names_it(issuer: Issuer, keys: FetchedKeys) -> None:
    await keys.key_for(issuer.token())
    written = issuer.tokens.key_file.read_text()
    issuer.tokens.key_file.write_text(written.replace(f'"{KEY_ID}"', '"second"'))
    issuer.seconds += PAUSE_SECONDS
    assert (await keys.key_for(issuer.token("second"))).key_id == "second"


async def test_who_goes_away_does_not_take_the_keys_from_the_others(
    issuer: Issuer, keys: FetchedKeys
) -> None:
    issuer.answers.clear()
    impatient, patient = (asyncio.create_task(keys.key_for(issuer.token())) for _ in range(2))
    assert await asyncio.to_thread(issuer.begun.wait, PATIENCE_SECONDS)
    impatient.cancel()
    issuer.answers.set()
    assert (await patient).key_id == KEY_ID


async def test_a_token_that_is_none_is_refused_without_asking(issuer: Issuer, keys: FetchedKeys) -> None:
    verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=keys)
    with pytest.raises(UnauthenticatedProblem):
        await verifier.verify("none")
    assert issuer.asked == 0
