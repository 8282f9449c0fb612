from dataclasses import dataclass, field
from pathlib import Path

import jwt
import pytest

from shared.identifiers import new_id
from shared.testing.identity import AUDIENCE, ISSUER, TokenIssuer
from shared.web.identity import KNOWN_FOR_SECONDS, TokenVerifier
from shared.web.problems import UnauthenticatedProblem
from shared.web.signing_keys import KeysInFile


@dataclass
class Counted:
    """Keys that are withdrawn when told so, and count how often they are asked for."""

    keys: KeysInFile
    asked: list[str] = field(default_factory=list)
    withdrawn: bool = False

    async def key_for(self, token: str) -> jwt.PyJWK:
        self.asked.append(token)
        if self.withdrawn:
            raise jwt.InvalidKeyError
        return await self.keys.key_for(token)


@dataclass
class Seconds:
    """A clock that is moved by hand."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


def _verifier(issuer: TokenIssuer) -> tuple[TokenVerifier, Counted, Seconds]:
    keys, clock = Counted(KeysInFile(issuer.key_file)), Seconds()
    return TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=keys, clock=clock), keys, clock


async def test_a_token_that_was_checked_is_known_for_a_minute(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    verifier, keys, clock = _verifier(issuer)
    token = issuer.token_for(new_id(), instance_id=new_id())
    identity = await verifier.verify(token)
    keys.withdrawn = True
    clock.now += KNOWN_FOR_SECONDS - 1
    assert (await verifier.verify(token), len(keys.asked)) == (identity, 1)
    clock.now += 1
    with pytest.raises(UnauthenticatedProblem):
        await verifier.verify(token)


async def test_a_token_is_not_known_beyond_its_own_end(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    verifier, keys, clock = _verifier(issuer)
    token = issuer.token_for(new_id(), instance_id=new_id())
    expires_at = jwt.decode(token, options={"verify_signature": False})["exp"]
    clock.now = expires_at - 1
    await verifier.verify(token)
    clock.now = expires_at
    await verifier.verify(token)
    assert len(keys.asked) == 2


async def test_two_tokens_are_not_taken_for_each_other(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    verifier, _, _ = _verifier(issuer)
    users = [new_id(), new_id()]
    tokens = [issuer.token_for(one, instance_id=new_id()) for one in users]
    assert [(await verifier.verify(one)).user_id for one in [*tokens, *tokens]] == [*users, *users]


async def test_a_broken_token_is_never_known(tmp_path: Path) -> None:
    issuer = TokenIssuer(tmp_path)
    verifier, _, _ = _verifier(issuer)
    token = issuer.token_for(new_id(), instance_id=new_id())
    await verifier.verify(token)
    for _ in range(2):
        with pytest.raises(UnauthenticatedProblem):
            await verifier.verify(token[:-4] + "AAAA")
