"""Where charges may be sent: encrypted everywhere, in the clear only to this machine when it is embedded."""

from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from services.billing_bridge.connector import AddressRefusedError, CheckAddress

HTTPS: Final = {"https": "http"}
MLLP: Final = {"mllps": "mllp"}
"""Each encrypted scheme and what it is in the clear."""


def checking(schemes: Mapping[str, str]) -> CheckAddress:
    """Build the check of a connector whose addresses begin with one of `schemes`."""

    @lru_cache(maxsize=256)
    def check_address(url: str, embedded: bool) -> None:  # noqa: FBT001 - the shape of every connector's check
        parts = _parts_of(url)
        in_the_clear = parts.scheme in schemes.values()
        if parts.scheme not in schemes and not (in_the_clear and embedded and _is_this_machine(parts)):
            wanted = " or ".join(f"{one}://" for one in schemes)
            plain = " or ".join(schemes.values())
            raise AddressRefusedError(
                f"The address must begin with {wanted}; "
                f"only an embedded deployment takes {plain}, to loopback."
            )

    return check_address


def _parts_of(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port_is_right = parts.port != 0
    except ValueError:
        raise AddressRefusedError("The address is not a URL.") from None
    if not parts.hostname or not port_is_right or any(letter.isspace() for letter in url):
        raise AddressRefusedError("The address is not a URL with a host.")
    if parts.username or parts.password or parts.fragment:
        raise AddressRefusedError("The address may hold no user name, no password and no fragment.")
    return parts


def _is_this_machine(parts: SplitResult) -> bool:
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
