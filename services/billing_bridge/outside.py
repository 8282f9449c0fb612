"""What connectors may use of the world outside: HTTP clients, checked addresses, a clock, a folder."""

import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import httpcore2

from services.billing_bridge.connector import (
    ConnectionSettings,
    Connector,
    ConnectorKind,
    Destination,
    NothingSentError,
)
from services.billing_bridge.http_lines import CheckedNetwork
from services.billing_bridge.networks import Networks
from shared.clock import Clock

CONNECT_SECONDS: Final = 5.0
KEPT_SECONDS: Final = 4.0
"""Shorter than servers keep a quiet line: to a push that meets a closed one the outcome is unknown."""
ANSWER_SECONDS: Final = 15.0
"""With a turn's wait, connecting and reading the body it stays below `PUSH_SECONDS_AT_MOST`."""


def new_pool(
    *, connections: int, networks: Networks, tls: ssl.SSLContext, kept: bool
) -> httpcore2.AsyncConnectionPool:
    """Build an HTTP client, with kept lines or one for each request.

    It follows no redirect and asks no proxy of the environment.
    """
    return httpcore2.AsyncConnectionPool(
        ssl_context=tls,
        max_connections=connections,
        # A second answer on a kept line would be read as the answer to the next request: only where
        # answers name what they answer are lines kept.
        max_keepalive_connections=connections if kept else 0,
        keepalive_expiry=KEPT_SECONDS,
        network_backend=CheckedNetwork(networks),
    )


@lru_cache(maxsize=128)
def tls_of(trusted_ca: str | None, client_certificate: str | None) -> ssl.SSLContext:
    """Build what a connection trusts and shows; raises `ssl.SSLError` or `ValueError` for what is no PEM."""
    context = ssl.create_default_context(cadata=trusted_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if client_certificate:
        # Python reads a private key from a file alone: it is this user's, and gone at once.
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
            file.write(client_certificate)
            file.flush()
            context.load_cert_chain(file.name)
    return context


@dataclass(kw_only=True)
class Outside:
    """One for each process."""

    networks: Networks
    clock: Clock
    embedded: bool
    connections: int = 10
    answer_seconds: float = ANSWER_SECONDS
    folder: Path | None = None
    """Where files for billing systems are laid down, if the operator has named a place."""
    closing: AsyncExitStack
    """What a connector keeps open it hands to this."""
    _pools: dict[tuple[ssl.SSLContext, bool], httpcore2.AsyncConnectionPool] = field(
        default_factory=dict, init=False
    )

    def tls_for(self, destination: Destination, settings: ConnectionSettings) -> ssl.SSLContext:
        """Give what a destination's connections trust and show."""
        try:
            return tls_of(settings.trusted_ca, destination.client_certificate)
        except (ssl.SSLError, ValueError):
            raise NothingSentError("Nothing was sent: a certificate of the connection is not PEM.") from None

    def pool_for(
        self, destination: Destination, settings: ConnectionSettings, *, kept: bool = False
    ) -> httpcore2.AsyncConnectionPool:
        """Give the HTTP client for a destination: one for all that trust and show the same.

        `kept`: its lines may be used again, by whoever checks that each answer is to its own request.
        """
        tls = self.tls_for(destination, settings)
        if (tls, kept) not in self._pools:
            pool = new_pool(connections=self.connections, networks=self.networks, tls=tls, kept=kept)
            self.closing.push_async_callback(pool.aclose)
            self._pools[tls, kept] = pool
        return self._pools[tls, kept]


@asynccontextmanager
async def open_outside(
    *,
    networks: Networks,
    clock: Clock,
    embedded: bool,
    connections: int = 10,
    answer_seconds: float = ANSWER_SECONDS,
    folder: Path | None = None,
) -> AsyncIterator[Outside]:
    """Open the world outside, and close at the end whatever connectors keep of it."""
    async with AsyncExitStack() as closing:
        yield Outside(
            networks=networks,
            clock=clock,
            embedded=embedded,
            connections=connections,
            answer_seconds=answer_seconds,
            folder=folder,
            closing=closing,
        )


def open_connectors(kinds: Mapping[str, ConnectorKind], outside: Outside) -> dict[str, Connector]:
    """Build every connector of the table."""
    return {name: kind.open(outside) for name, kind in kinds.items()}
