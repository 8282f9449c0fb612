"""Which machines may be connected to: every resolved address is looked at when it is connected to.

An address is chosen by a customer, and a name can point anywhere by the time it is used (DNS
rebinding): only what is looked at in the moment of connecting keeps a push out of our own network.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from services.billing_bridge.connector import NothingSentError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives all addresses of a host."""

LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


async def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=1)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, kw_only=True)
class Networks:
    """Public addresses, and the ranges that the operator allows besides."""

    allowed: tuple[Network, ...] = ()
    resolve: Resolve = resolve

    @classmethod
    def parse(cls, text: str, *, embedded: bool) -> "Networks":
        """Read CIDR ranges with commas between; an embedded deployment may reach its own machine."""
        given = tuple(ip_network(one.strip()) for one in text.split(",") if one.strip())
        return cls(allowed=(*given, *LOOPBACK) if embedded else given)

    async def addresses_of(self, host: str, port: int) -> Sequence[str]:
        """Give the host's addresses; raises `NothingSentError` when any of them must not be reached.

        One bad address among good ones is a trap, not a slip: none is used then.
        """
        try:
            found = await self.resolve(host, port)
        except OSError:
            raise NothingSentError("Nothing was sent: the host's name has no address.") from None
        if not found or not all(self.admits(ip_address(one.partition("%")[0])) for one in found):
            raise NothingSentError(
                "Nothing was sent: the host has an address that is not public, and the operator has not "
                "allowed its range."
            )
        return found

    def admits(self, address: Address) -> bool:
        """Tell whether an address may be connected to."""
        real = _carried_by(address)
        if any(real in network for network in self.allowed if network.version == real.version):
            return True
        return real.is_global and not real.is_multicast and not real.is_reserved

    async def connect(
        self, host: str, port: int, *, tls: ssl.SSLContext | None
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to an address that was looked at; the certificate is held to the name."""
        failed: OSError | None = None
        for address in await self.addresses_of(host, port):
            try:
                return await asyncio.open_connection(
                    address, port, ssl=tls, server_hostname=host if tls else None
                )
            except OSError as error:
                failed = error
        raise failed or ConnectionError


def _carried_by(address: Address) -> Address:
    """Unpack an IPv4 address that travels inside an IPv6 one."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address
