"""What is not fit for production, and why. A process with one such setting does not start."""

import base64
import ipaddress
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from pydantic import SecretStr

KNOWN_PASSWORDS: Final = frozenset(
    {"admin", "changeme", "example", "guest", "opencircle", "password", "postgres", "redis", "secret"}
)
EXAMPLE_HOSTS: Final = (
    ".example", ".example.com", ".example.net", ".example.org", ".invalid", ".localhost", ".test",
)  # fmt: skip
"""RFC 2606 and RFC 6761: nobody has them, so whoever has one has copied it."""
PLAIN: Final = frozenset({"http", "redis", "amqp", "postgresql+asyncpg"})
"""Whoever listens to these hears all of it. PostgreSQL may say `ssl`."""
WITH_PASSWORD: Final = frozenset({"redis", "rediss", "amqp", "amqps", "postgresql+asyncpg"})
TLS_OF_POSTGRESQL: Final = frozenset({"require", "verify-ca", "verify-full"})
FOR_TRIALS: Final = {"OPENCIRCLE_SESSIONS_ISSUER_KEY": "the built-in issuer is not for production"}
DISTINCT_BYTES_AT_LEAST: Final = 12
"""Of 32 random bytes, fewer are different once in 10^18 keys."""


def unfit(texts: Mapping[str, Any], *, plain_hosts: Collection[str]) -> Iterator[tuple[str, str]]:
    """Name each setting that is only fit for a trial, with the reason.

    `plain_hosts` may be spoken to without TLS.
    """
    for name, value in texts.items():
        if name in FOR_TRIALS:
            yield name, FOR_TRIALS[name]
        text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        if "://" in text:
            yield from ((name, reason) for reason in _unfit_address(text, plain_hosts))
        elif name.endswith("_KEYS") and isinstance(value, SecretStr):
            yield from ((name, reason) for reason in _unfit_keys(text))


def _unfit_address(text: str, plain_hosts: Collection[str]) -> Iterator[str]:
    url = urlsplit(text)
    if url.scheme.startswith("sqlite"):
        yield "SQLite is for one machine; production has PostgreSQL"
        return
    if url.hostname is None or _is_local(url.hostname):
        return
    if f".{url.hostname}".endswith(EXAMPLE_HOSTS):
        yield "this is the address of an example"
    if url.scheme in PLAIN and not _has_tls(url) and url.hostname not in plain_hosts:
        yield (
            f"{url.scheme}:// to {url.hostname} is not encrypted; use TLS, or list the host in "
            "OPENCIRCLE_PLAIN_HOSTS if the network between is yours alone"
        )
    if url.scheme in WITH_PASSWORD:
        yield from _unfit_password(url)


def _unfit_password(url: SplitResult) -> Iterator[str]:
    password = unquote(url.password or "")
    if not password:
        yield "the address has no password"
    elif password.lower() in KNOWN_PASSWORDS or password == unquote(url.username or ""):
        yield "its password is one that everybody knows"


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _has_tls(url: SplitResult) -> bool:
    asked = parse_qs(url.query).get("ssl", [""])[-1]
    return url.scheme.startswith("postgresql") and asked in TLS_OF_POSTGRESQL


def _unfit_keys(ring: str) -> Iterator[str]:
    keys = [base64.b64decode(part.partition(":")[2]) for part in ring.split(",")]
    if any(len(set(key)) < DISTINCT_BYTES_AT_LEAST for key in keys):
        yield "a key of it is not random; python -m deploy.compose.new_secrets makes one"
