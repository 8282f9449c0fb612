"""Lays charges down as a file for a billing system that fetches files."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.billing_bridge.batches import Batch, batch_of
from services.billing_bridge.connector import (
    AddressRefusedError,
    ConnectorKind,
    Destination,
    NothingSentError,
    OutcomeUnknownError,
    SecretRefusedError,
    Unit,
)
from services.billing_bridge.connectors.batch.files import is_there, lay_down
from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Outcome, Verdict
from services.billing_bridge.outside import Outside

ADDRESS: Final = re.compile(r"folder:([a-z0-9][a-z0-9_-]{0,39})")


@dataclass(frozen=True)
class BatchConnector:
    """One file, with its totals, for all that is due."""

    outside: Outside

    async def push(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Write the file."""
        return await self._laid_down(
            batch_of(charges, reversing=False, notice=destination.notice), destination
        )

    async def reverse(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Write a file of reversals."""
        return await self._laid_down(
            batch_of(charges, reversing=True, notice=destination.notice), destination
        )

    async def look_up(
        self, charges: Sequence[Charge], destination: Destination, *, reversing: bool
    ) -> Outcome:
        """Look whether the file lies there; one that does not may have been fetched."""
        batch = batch_of(charges, reversing=reversing, notice=destination.notice)
        if await asyncio.to_thread(is_there, self._folder(destination), batch):
            return _accepted(batch)
        return Outcome(verdict=Verdict.UNKNOWN, reason="The file is not there: it may have been fetched.")

    async def _laid_down(self, batch: Batch, destination: Destination) -> Outcome:
        folder = self._folder(destination)
        try:
            await asyncio.to_thread(lay_down, folder, batch)
        except OSError as error:
            raise OutcomeUnknownError(f"The file could not be finished: {type(error).__name__}.") from None
        return _accepted(batch)

    def _folder(self, destination: Destination) -> Path:
        name = ADDRESS.fullmatch(destination.url)
        if self.outside.folder is None or destination.instance_id is None or name is None:
            raise NothingSentError("Nothing was written: the operator has named no folder for files.")
        return self.outside.folder / str(destination.instance_id) / name[1]


def _accepted(batch: Batch) -> Outcome:
    return Outcome(verdict=Verdict.ACCEPTED, receipt_id=batch.name)


def check_address(url: str, embedded: bool) -> None:  # noqa: FBT001 - the shape of every connector's check
    """Raise `AddressRefusedError` unless it names one folder below the operator's."""
    del embedded
    if not ADDRESS.fullmatch(url):
        raise AddressRefusedError(
            "The address must be `folder:` and a name of small letters, digits, - and _; it lies in the "
            "folder that the operator has named."
        )


def check_secret(_secret: str) -> None:
    """Raise `SecretRefusedError`: there is nobody to show one to."""
    raise SecretRefusedError("A folder has no secret: leave it out.")


def _always(_settings: Mapping[str, Any]) -> bool:
    return True


KIND: Final = ConnectorKind(
    open=BatchConnector,
    check_address=check_address,
    check_secret=check_secret,
    unit=Unit.ALL_DUE,
    may_deduplicate=False,
    looks_up=_always,
)
