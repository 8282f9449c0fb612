from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from services.billing_bridge.connector import NothingSentError
from services.billing_bridge.networks import Networks, Resolve

PUBLIC = "93.184.216.34"


def naming(*answers: Sequence[str]) -> Resolve:
    """A resolver that gives one answer after the other."""
    given = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return given.pop(0)

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "fe80::1",
        "fc00::7",
        "fd00:ec2::254",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "ff02::1",
    ],
)
def test_no_address_that_is_not_public_is_admitted(address: str) -> None:
    assert not Networks.parse("", embedded=False).admits(ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"])
def test_public_addresses_are(address: str) -> None:
    assert Networks.parse("", embedded=False).admits(ip_address(address))


def test_a_range_that_the_operator_allows_is_admitted_and_its_neighbour_is_not() -> None:
    networks = Networks.parse("10.20.0.0/16, fd12::/64", embedded=False)
    admitted = [networks.admits(ip_address(one)) for one in ("10.20.7.7", "fd12::1", "10.21.0.1", "fd13::1")]
    assert admitted == [True, True, False, False]


def test_only_an_embedded_deployment_reaches_its_own_machine() -> None:
    loopback = ip_address("127.0.0.1")
    assert [Networks.parse("", embedded=one).admits(loopback) for one in (True, False)] == [True, False]


async def test_one_bad_address_among_good_ones_spoils_the_name() -> None:
    networks = Networks(resolve=naming([PUBLIC, "169.254.169.254"]))
    with pytest.raises(NothingSentError, match="not public"):
        await networks.addresses_of("billing.example", 443)


async def test_a_name_that_points_elsewhere_the_second_time_is_looked_at_again() -> None:
    networks = Networks(resolve=naming([PUBLIC], ["127.0.0.1"]))
    assert await networks.addresses_of("billing.example", 443) == [PUBLIC]
    with pytest.raises(NothingSentError, match="not public"):
        await networks.addresses_of("billing.example", 443)


async def test_a_name_without_an_address_is_nothing_sent() -> None:
    with pytest.raises(NothingSentError):
        await Networks(resolve=naming([])).addresses_of("billing.example", 443)


def test_a_range_that_is_none_stops_the_process() -> None:
    with pytest.raises(ValueError, match="host bits set"):
        Networks.parse("10.20.0.1/16", embedded=False)
