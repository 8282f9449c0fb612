"""Lays charges down as a file on a billing system's SFTP server."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import asyncssh
from pydantic import AfterValidator, Field

from services.billing_bridge.addresses import checking
from services.billing_bridge.batches import Batch, batch_of
from services.billing_bridge.connector import (
    AddressRefusedError,
    ConnectionSettings,
    ConnectorKind,
    Destination,
    NothingSentError,
    SecretRefusedError,
    Unit,
)
from services.billing_bridge.connectors.sftp.remote import Login, Places, find, opened, upload
from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Outcome, Verdict
from services.billing_bridge.outside import Outside

PRIVATE_KEY: Final = "-----BEGIN"
_check_url: Final = checking({"sftp": "sftp"})


def _host_key(line: str) -> str:
    try:
        asyncssh.import_public_key(line)
    except asyncssh.KeyImportError:
        message = "is no public key of SSH: give the line that `ssh-keyscan` prints, without the host"
        raise ValueError(message) from None
    return line


class SftpSettings(ConnectionSettings):
    """What a connection by SFTP has to be told."""

    user: Annotated[str, Field(min_length=1, max_length=100)]
    host_keys: Annotated[
        tuple[Annotated[str, Field(max_length=2000), AfterValidator(_host_key)], ...],
        Field(min_length=1, max_length=5),
    ]
    """The server's public keys as you had them from its keeper: no other server is talked to."""


@dataclass(frozen=True)
class SftpConnector:
    """One file, with its totals, for all that is due."""

    outside: Outside

    async def push(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Upload the file."""
        return await self._uploaded(
            batch_of(charges, reversing=False, notice=destination.notice), destination
        )

    async def reverse(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Upload a file of reversals."""
        return await self._uploaded(batch_of(charges, reversing=True, notice=destination.notice), destination)

    async def look_up(
        self, charges: Sequence[Charge], destination: Destination, *, reversing: bool
    ) -> Outcome:
        """Look whether the file lies there whole; one that is gone may have been fetched."""
        batch = batch_of(charges, reversing=reversing, notice=destination.notice)
        async with opened(self._login(destination)) as sftp:
            return await find(sftp, self._places(batch, destination), batch)

    async def _uploaded(self, batch: Batch, destination: Destination) -> Outcome:
        async with opened(self._login(destination)) as sftp:
            await upload(sftp, self._places(batch, destination), batch)
        return Outcome(verdict=Verdict.ACCEPTED, receipt_id=batch.name)

    def _login(self, destination: Destination) -> Login:
        try:
            check_address(destination.url, self.outside.embedded)
        except AddressRefusedError as error:
            raise NothingSentError(str(error)) from None
        settings = SftpSettings.model_validate(destination.settings)
        return Login(
            url=destination.url,
            user=settings.user,
            secret=destination.secret,
            host_keys=settings.host_keys,
            networks=self.outside.networks,
            seconds=self.outside.answer_seconds,
        )

    def _places(self, batch: Batch, destination: Destination) -> Places:
        return Places.of(destination.url, batch)


def check_address(url: str, embedded: bool) -> None:  # noqa: FBT001 - the shape of every connector's check
    """Raise `AddressRefusedError` unless it is `sftp://host[:port]/folder`."""
    _check_url(url, embedded)
    if "?" in url:
        raise AddressRefusedError("The address must be sftp://host/folder, without a query.")


def check_secret(secret: str) -> None:
    """Raise `SecretRefusedError` unless it is a password, or a private key that needs no passphrase."""
    if secret.startswith(PRIVATE_KEY):
        try:
            asyncssh.import_private_key(secret)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError):
            raise SecretRefusedError("The private key can't be read; it must have no passphrase.") from None
    elif not secret or not secret.isprintable():
        raise SecretRefusedError("The secret must be a password, or a private key of SSH in PEM.")


def _always(_settings: Any) -> bool:
    return True


KIND: Final = ConnectorKind(
    open=SftpConnector,
    check_address=check_address,
    check_secret=check_secret,
    settings=SftpSettings,
    unit=Unit.ALL_DUE,
    may_deduplicate=False,
    looks_up=_always,
)
