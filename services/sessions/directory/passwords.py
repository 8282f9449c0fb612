"""Passwords of the built-in issuer: Argon2id, with the library's current parameters."""

from functools import cache

from pwdlib import PasswordHash


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash("nobody has this password")


def hash_password(password: str) -> str:
    """Give what is stored in place of a password."""
    return _hasher().hash(password)


def check_password(password: str, stored: str | None) -> bool:
    """Tell whether it is the password. Takes as long for a login that does not exist."""
    return _hasher().verify(password, stored or _hash_of_nobody()) and stored is not None
