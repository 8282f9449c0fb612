"""Passwords of the built-in issuer: Argon2id, with the library's current parameters."""

from pwdlib import PasswordHash

_HASHER = PasswordHash.recommended()
_NOBODY = _HASHER.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Give what is stored in place of a password."""
    return _HASHER.hash(password)


def check_password(password: str, stored: str | None) -> bool:
    """Tell whether it is the password. Takes as long for a login that does not exist."""
    return _HASHER.verify(password, stored or _NOBODY) and stored is not None
