"""What is looked at before a connection is kept: each fault is named where it stands."""

import ssl
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from services.billing_bridge.connector import AddressRefusedError, ConnectorKind, SecretRefusedError
from services.billing_bridge.outside import tls_of
from shared.web.problems import InvalidProblem

if TYPE_CHECKING:
    from services.billing_bridge.use_cases import WantedConnection


def check_connection(kind: ConnectorKind, wanted: "WantedConnection", *, embedded: bool) -> dict[str, Any]:
    """Give the settings as they are to be kept; raises `InvalidProblem`."""
    _check_address(kind, wanted.url, embedded=embedded)
    if wanted.secret is not None:
        _check_secret(kind, wanted.secret)
    if wanted.deduplicates and not kind.may_deduplicate:
        raise _invalid("#/deduplicates", "This system makes a new claim of every message: it must be false.")
    settings = _checked_settings(kind, wanted.settings)
    _check_pem(settings.get("trusted_ca"), None, "#/settings/trusted_ca")
    _check_pem(None, wanted.client_certificate, "#/client_certificate")
    return settings


def _check_address(kind: ConnectorKind, url: str, *, embedded: bool) -> None:
    try:
        kind.check_address(url, embedded)
    except AddressRefusedError as error:
        raise _invalid("#/url", str(error), "Charges can't be sent to this address.") from None


def _check_pem(trusted_ca: str | None, client_certificate: str | None, pointer: str) -> None:
    try:
        tls_of(trusted_ca, client_certificate)
    except (ssl.SSLError, ValueError):
        raise _invalid(pointer, "Certificates and keys are given in PEM, unencrypted.") from None


def _check_secret(kind: ConnectorKind, secret: str) -> None:
    try:
        kind.check_secret(secret)
    except SecretRefusedError as error:
        raise _invalid("#/secret", str(error), "This secret can't be used.") from None


def _checked_settings(kind: ConnectorKind, given: Any) -> dict[str, Any]:
    try:
        settings = kind.settings.model_validate(given)
    except ValidationError as error:
        errors = [
            {"pointer": "/".join(("#/settings", *map(str, one["loc"]))), "detail": one["msg"]}
            for one in error.errors(include_input=False, include_url=False)
        ]
        raise InvalidProblem("These settings can't be used.", errors=errors) from None
    return settings.model_dump(mode="json", exclude_unset=True)


def _invalid(pointer: str, detail: str, what: str = "This connection can't be used.") -> InvalidProblem:
    return InvalidProblem(what, errors=[{"pointer": pointer, "detail": detail}])
