"""The public keys of the issuer of access tokens: from a file, or over https without holding anyone up."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import jwt
import structlog

from shared.web.problems import Problem

FRESH_SECONDS: Final = 300.0
"""How old keys may be before new ones are fetched, while these are still used."""
KEPT_SECONDS: Final = 3600.0
"""How long keys are used of an issuer that can't be reached."""
PAUSE_SECONDS: Final = 5.0
"""Between two attempts to fetch: tokens with made-up key ids must not have the issuer asked each time."""
FETCH_TIMEOUT_SECONDS: Final = 5.0

log = structlog.get_logger()


class KeysUnavailableProblem(Problem):
    """The issuer's keys can't be had, so nobody can be let in or refused for good (503)."""

    status, name, title = 503, "keys-unavailable", "Access tokens can't be checked now"


class SigningKeys(Protocol):
    """Where the issuer's public keys come from."""

    async def key_for(self, token: str) -> jwt.PyJWK:
        """Find the key that a token names; raises `jwt.PyJWTError`, or `KeysUnavailableProblem`."""


class KeysInFile:
    """The keys of an issuer on the same machine."""

    def __init__(self, path: Path) -> None:
        self._keys = _by_id(jwt.PyJWKSet.from_dict(json.loads(path.read_text())))

    async def key_for(self, token: str) -> jwt.PyJWK:
        """Find the key that a token names."""
        return _named(self._keys, token)


class FetchedKeys:
    """Keys that are fetched in a thread: stale ones serve meanwhile, and one fetch serves all who wait."""

    def __init__(
        self, fetch: Callable[[], jwt.PyJWKSet], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._fetch, self._monotonic = fetch, monotonic
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._fetched_at = self._tried_at = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key_for(self, token: str) -> jwt.PyJWK:
        """Find the key that a token names; waits for a fetch only when the key is not known."""
        key_id = _key_id(token)
        now = self._monotonic()
        if now - self._fetched_at > KEPT_SECONDS or key_id not in self._keys:
            await self._fetched()
        elif now - self._fetched_at > FRESH_SECONDS:
            self._begin()
        if self._monotonic() - self._fetched_at > KEPT_SECONDS:
            raise KeysUnavailableProblem(
                "The issuer of the access tokens does not give its keys; try again in a moment.",
                headers={"Retry-After": f"{PAUSE_SECONDS:.0f}"},
            )
        return _named(self._keys, token)

    async def _fetched(self) -> None:
        fetching = self._begin()
        if fetching is not None:
            # Whoever goes away must not take the keys from the others who wait.
            await asyncio.shield(fetching)

    def _begin(self) -> asyncio.Task[None] | None:
        """Give the fetch that goes on, a new one, or None right after the one before."""
        if self._fetching is None and self._monotonic() - self._tried_at >= PAUSE_SECONDS:
            self._fetching = asyncio.create_task(self._refresh())
        return self._fetching

    async def _refresh(self) -> None:
        try:
            self._keys = _by_id(await asyncio.to_thread(self._fetch))
            self._fetched_at = self._monotonic()
        except (jwt.PyJWTError, OSError, ValueError) as error:
            log.warning(
                "The issuer's keys can't be fetched; those at hand are used for an hour.",
                code="keys.unavailable",
                reason=type(error).__name__,
            )
        finally:
            self._tried_at, self._fetching = self._monotonic(), None


def signing_keys(place: str) -> SigningKeys:
    """Read keys from an https address or a file."""
    if not place.startswith("https://"):
        return KeysInFile(Path(place))
    client = jwt.PyJWKClient(place, cache_jwk_set=False, timeout=FETCH_TIMEOUT_SECONDS)
    return FetchedKeys(client.get_jwk_set)


def _by_id(keys: jwt.PyJWKSet) -> dict[str, jwt.PyJWK]:
    return {key.key_id: key for key in keys.keys if key.key_id is not None}


def _key_id(token: str) -> str | None:
    key_id: str | None = jwt.get_unverified_header(token).get("kid")
    return key_id


def _named(keys: Mapping[str, jwt.PyJWK], token: str) -> jwt.PyJWK:
    try:
        return keys[_key_id(token) or ""]
    except KeyError:
        raise jwt.InvalidKeyError from None
