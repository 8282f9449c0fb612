"""What connectors may use of the world outside: HTTP clients, checked addresses, a clock, a folder."""

import ssl
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import httpcore2
import httpx2

from services.billing_bridge.connector import (
    ConnectionSettings,
    Connector,
    ConnectorKind,
    Destination,
    NothingSentError,
)
from services.billing_bridge.networks import Networks
from shared.clock import Clock

CONNECT_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 10.0
READ_SECONDS: Final = 20.0
KEPT_SECONDS: Final = 4.0
"""Shorter than servers keep a quiet line: to a push that meets a closed one the outcome is unknown."""
ANSWER_SECONDS: Final = 15.0
"""With a turn's wait, connecting and reading the body it stays below `PUSH_SECONDS_AT_MOST`."""


class CheckedNetwork(httpcore2.AsyncNetworkBackend):
    """Connects the HTTP client to addresses that were looked at; TLS is still held to the host's name."""

    def __init__(self, networks: Networks) -> None:
        self._networks, self._inner = networks, httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the shape of the client's backends
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        failed: Exception | None = None
        for address in await self._networks.addresses_of(host, port):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
        raise failed or httpcore2.ConnectError

    async def connect_unix_socket(self, *_: object, **__: object) -> httpcore2.AsyncNetworkStream:
        raise NothingSentError("Charges are not sent to sockets of this machine.")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class CheckedTransport(httpx2.AsyncHTTPTransport):
    """The HTTP client's own transport on a network whose addresses are checked."""

    def __init__(self, networks: Networks, *, connections: int, tls: ssl.SSLContext, kept: bool) -> None:
        super().__init__(verify=tls, trust_env=False)
        # The client takes a transport and the pool a network, but the transport hands none on.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=connections,
            # A second answer on a kept line would be read as the answer to the next request: only where
            # answers name what they answer are lines kept.
            max_keepalive_connections=connections if kept else 0,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=CheckedNetwork(networks),
        )


def new_client(
    *, connections: int, networks: Networks, tls: ssl.SSLContext, kept: bool
) -> httpx2.AsyncClient:
    """Build an HTTP client, with kept lines or one for each request.

    It follows no redirect and asks no proxy of the environment.
    """
    return httpx2.AsyncClient(
        transport=CheckedTransport(networks, connections=connections, tls=tls, kept=kept),
        follow_redirects=False,
        trust_env=False,
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, write=WRITE_SECONDS),
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
    _clients: dict[tuple[ssl.SSLContext, bool], httpx2.AsyncClient] = field(default_factory=dict, init=False)

    def tls_for(self, destination: Destination, settings: ConnectionSettings) -> ssl.SSLContext:
        """Give what a destination's connections trust and show."""
        try:
            return tls_of(settings.trusted_ca, destination.client_certificate)
        except (ssl.SSLError, ValueError):
            raise NothingSentError("Nothing was sent: a certificate of the connection is not PEM.") from None

    def client_for(
        self, destination: Destination, settings: ConnectionSettings, *, kept: bool = False
    ) -> httpx2.AsyncClient:
        """Give the HTTP client for a destination: one for all that trust and show the same.

        `kept`: its lines may be used again, by whoever checks that each answer is to its own request.
        """
        tls = self.tls_for(destination, settings)
        if (tls, kept) not in self._clients:
            client = new_client(connections=self.connections, networks=self.networks, tls=tls, kept=kept)
            self.closing.push_async_callback(client.aclose)
            self._clients[tls, kept] = client
        return self._clients[tls, kept]


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
