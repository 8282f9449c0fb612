"""One service asks another: both ways the JSON travels sealed, and the seal is the proof of who asks."""

from hashlib import sha256
from typing import Annotated, TypeVar

import httpx2
from pydantic import Field, ValidationError

from shared.events.contract import Contract
from shared.messaging.sealing import KeyRing, UnsealableError
from shared.web.problems import InvalidProblem, Problem
from shared.web.shapes import Shape

SEALED_CHARACTERS_AT_MOST = 1_000_000
"""The record of a session with a roster of 500, without its notes, takes 15,000."""

Told = TypeVar("Told", bound=Contract)


class SealedRequest(Shape):
    """A question, sealed with the message keys."""

    sealed: Annotated[str, Field(max_length=SEALED_CHARACTERS_AT_MOST)]


class Sealed(Contract):
    """The answer, sealed for its question."""

    sealed: str


class NotSealedProblem(Problem):
    """The body was not sealed for this by a key that we hold (403)."""

    status, name, title = 403, "not-sealed", "Only who holds the message keys may ask this"


def answer_purpose(purpose: str, sealed_request: str) -> str:
    """Give the purpose of the answer to one request: no other answer can be passed off as it."""
    return f"{purpose}-answer/{sha256(sealed_request.encode()).hexdigest()}"


def open_request(sealed: str, question: type[Told], *, keys: KeyRing, purpose: str) -> Told:
    """Open what was asked; raises `NotSealedProblem`, or `InvalidProblem` for what is no such question."""
    try:
        return question.model_validate(keys.unseal(sealed, purpose=purpose))
    except UnsealableError:
        raise NotSealedProblem("This was not sealed for this by a key of this ring.") from None
    except ValidationError:
        # Without its words: they would quote what was asked.
        raise InvalidProblem("What is sealed is no question of this version.") from None


def seal_answer(answer: Contract, *, keys: KeyRing, purpose: str, to: str) -> str:
    """Seal an answer for the one request `to`."""
    return keys.seal(answer.model_dump(mode="json"), purpose=answer_purpose(purpose, to))


async def ask_sealed(
    client: httpx2.AsyncClient,
    path: str,
    question: Contract,
    answer: type[Told],
    *,
    keys: KeyRing,
    purpose: str,
) -> Told:
    """Ask once; raises `httpx2.HTTPError`, `pydantic.ValidationError` or `UnsealableError`."""
    sealed = keys.seal(question.model_dump(mode="json"), purpose=purpose)
    response = await client.post(path, json={"sealed": sealed})
    response.raise_for_status()
    told = Sealed.model_validate_json(response.content).sealed
    return answer.model_validate(keys.unseal(told, purpose=answer_purpose(purpose, sealed)))
