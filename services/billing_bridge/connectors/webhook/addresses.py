"""Where charges may be sent: https everywhere, plain http only to this machine when it is embedded."""

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from services.billing_bridge.connector import AddressRefusedError


def check_address(url: str, embedded: bool) -> None:  # noqa: FBT001 - the shape of every connector's check
    """Raise `AddressRefusedError` unless charges may be sent to `url`."""
    try:
        parts = urlsplit(url)
        port_is_right = parts.port != 0
    except ValueError:
        raise AddressRefusedError("The address is not a URL.") from None
    if not parts.hostname or not port_is_right or any(letter.isspace() for letter in url):
        raise AddressRefusedError("The address is not a URL with a host.")
    if parts.username or parts.password or parts.fragment:
        raise AddressRefusedError("The address may hold no user name, no password and no fragment.")
    if parts.scheme != "https" and not (embedded and parts.scheme == "http" and _is_this_machine(parts)):
        raise AddressRefusedError(
            "The address must begin with https://; only an embedded deployment takes http, to loopback."
        )


def _is_this_machine(parts: SplitResult) -> bool:
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"
