"""Passwords of the built-in issuer: Argon2id, with the library's current parameters."""

import asyncio
from functools import cache
from itertools import pairwise
from typing import Final

from pwdlib import PasswordHash

from shared.web.problems import InvalidProblem

OFTEN_USED: Final = frozenset(
    {
        "correcthorsebatterystaple", "iloveyouiloveyou", "letmeinletmein1", "passwordpassword1",
        "thisisapassword", "thisismypassword", "mypasswordispassword", "passwordispassword",
        "changethispassword", "pleasechangeme123", "administratorpassword", "adminpassword123",
        "qwertyuiopasdfgh", "qwertyuiopasdfghjkl", "1qaz2wsx3edc4rfv", "1qaz2wsx3edc4rfv5tgb",
        "zaq12wsxcde34rfv", "q1w2e3r4t5y6u7i8", "1q2w3e4r5t6y7u8i", "1q2w3e4r5t6y7u8i9o0p",
        "opencirclepassword", "opencircle123456",
    }
)  # fmt: skip
"""Of the lists of stolen passwords hardly any has 15 characters; these are the ones people think of."""


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash("nobody has this password")


async def hash_password(password: str) -> str:
    """Give what is stored in place of a password."""
    # In a thread: it takes so long on purpose, and others are served meanwhile.
    return await asyncio.to_thread(_hasher().hash, password)


async def check_password(password: str, stored: str | None) -> bool:
    """Tell whether it is the password. Takes as long for a login that does not exist."""
    right = await asyncio.to_thread(lambda: _hasher().verify(password, stored or _hash_of_nobody()))
    return right and stored is not None


def refuse_common(password: str, *, login: str) -> None:
    """Raise `InvalidProblem` for a password that somebody would try first."""
    if is_too_common(password, login=login):
        reason = "is often used, is made of the login, repeats itself, or runs through the alphabet"
        raise InvalidProblem(
            "This password is one of the first that others would try.",
            errors=[{"pointer": "#/password", "detail": reason}],
        )


def is_too_common(password: str, *, login: str) -> bool:
    """Whether it is one of the first that somebody would try (NIST SP 800-63B-4, 3.1.1.2).

    Often used, the login itself with little around it, a piece repeated, or characters in a row.
    """
    text = "".join(one for one in password.casefold() if one.isalnum())
    name = "".join(one for one in login.casefold() if one.isalnum())
    is_the_login = bool(name) and len(text.replace(name, "")) < len(text) // 2
    return text in OFTEN_USED or is_the_login or _repeats(text) or _runs(text)


def _repeats(text: str) -> bool:
    return any(text == (text[:size] * len(text))[: len(text)] for size in range(len(text) // 2 + 1))


def _runs(text: str) -> bool:
    in_a_row = sum(abs(ord(after) - ord(before)) <= 1 for before, after in pairwise(text))
    return in_a_row >= (len(text) * 3) // 4
