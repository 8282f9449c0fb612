"""Tokens that somebody made for themselves (ASVS 9.1, 9.2; RFC 8725)."""

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from shared.identifiers import new_id
from shared.testing.identity import AUDIENCE, ISSUER, KEY_ID, TokenIssuer
from shared.web.identity import NEVER, TokenVerifier
from shared.web.problems import UnauthenticatedProblem
from shared.web.signing_keys import KeysInFile

NOW = datetime.now(UTC)
FORGER = Ed25519PrivateKey.generate()
FORGERS_KEY = json.loads(OKPAlgorithm.to_jwk(FORGER.public_key()))


def _claims(**changes: Any) -> dict[str, Any]:
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(new_id()),
        "instance": str(new_id()),
        "auth_time": int(NOW.timestamp()),
        "iat": NOW,
        "exp": NOW + timedelta(days=1),
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def _named(given: Mapping[str, Any]) -> str:
    """Name a case without its values: they differ between the workers of one run."""
    return " ".join(f"no {name}" if value is None else name for name, value in given.items()) or "nothing"


def _signed(issuer: TokenIssuer, claims: Mapping[str, Any], **headers: Any) -> str:
    return jwt.encode(dict(claims), issuer._key, algorithm="EdDSA", headers={"kid": KEY_ID, **headers})


def _forged(**headers: Any) -> str:
    return jwt.encode(_claims(), FORGER, algorithm="EdDSA", headers={"kid": KEY_ID, **headers})


def _hmac_by_the_public_key(issuer: TokenIssuer) -> str:
    """By hand: the library refuses to sign with what looks like a public key."""
    secret = issuer.key_file.read_bytes()
    times = {name: int(value.timestamp()) for name, value in _claims().items() if name in {"iat", "exp"}}
    parts = [{"alg": "HS256", "typ": "JWT", "kid": KEY_ID}, _claims() | times]
    text = b".".join(urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in parts)
    seal = urlsafe_b64encode(hmac.digest(secret, text, sha256)).rstrip(b"=")
    return (text + b"." + seal).decode()


async def _is_taken(issuer: TokenIssuer, token: str) -> bool:
    verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=KeysInFile(issuer.key_file))
    try:
        await verifier.verify(token)
    except UnauthenticatedProblem:
        return False
    return True


async def test_a_token_as_it_should_be_is_taken(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    assert await _is_taken(issuer, _signed(issuer, _claims()))


async def test_a_token_that_does_not_say_when_is_of_a_log_in_too_old_to_sign(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    verifier = TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=KeysInFile(issuer.key_file))
    identity = await verifier.verify(_signed(issuer, _claims(auth_time=None)))
    assert identity.authenticated_at == NEVER


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-service"},
        {"aud": None},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"nbf": NOW + timedelta(days=1)},
        {"exp": NOW - timedelta(days=1)},
        {"exp": None},
        {"iat": NOW + timedelta(days=1)},
        {"iat": None},
        {"sub": "margaret"},
        {"sub": None},
        {"instance": None},
        {"instance": "riverbend"},
        {"auth_time": "yesterday"},
    ],
    ids=_named,
)
async def test_claims_that_are_wrong_or_missing_are_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    issuer = TokenIssuer(tmp_path)
    assert not await _is_taken(issuer, _signed(issuer, _claims(**changes)))


async def test_no_token_goes_without_a_signature_or_with_a_shared_secret(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    unsigned = jwt.encode(_claims(), "", algorithm="none", headers={"kid": KEY_ID})
    by_secret = jwt.encode(_claims(), "k" * 32, algorithm="HS256", headers={"kid": KEY_ID})
    for token in (unsigned, by_secret, _hmac_by_the_public_key(issuer)):
        assert not await _is_taken(issuer, token)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"jku": "https://forger.test/keys.json"},
        {"x5u": "https://forger.test/chain.pem"},
        {"jwk": FORGERS_KEY},
        {"kid": "../../forger"},
        {"crit": ["b64"], "b64": True},
    ],
    ids=_named,
)
async def test_a_key_that_the_token_brings_itself_is_no_key(tmp_path: Path, headers: dict[str, Any]) -> None:
    assert not await _is_taken(TokenIssuer(tmp_path), _forged(**headers))


async def test_a_signed_token_is_not_taken_where_its_header_asks_for_what_we_do_not_know(
    tmp_path: Path,
) -> None:
    issuer = TokenIssuer(tmp_path)
    assert not await _is_taken(issuer, _signed(issuer, _claims(), crit=["exp-policy"], **{"exp-policy": 1}))


@pytest.mark.parametrize("token", ["", "a.b.c", "e30.e30.", "." * 5, "é" * 20], ids=repr)
async def test_what_is_no_token_is_refused(tmp_path: Path, token: str) -> None:
    assert not await _is_taken(TokenIssuer(tmp_path), token)
