"""Passwords of the built-in issuer: Argon2id, with the library's current parameters."""

import asyncio
from functools import cache

from pwdlib import PasswordHash


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
