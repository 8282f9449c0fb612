"""Pushes a charge as a signed POST (Standard Webhooks 1.0)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from services.billing_bridge.addresses import HTTPS, checking
from services.billing_bridge.connector import (
    AddressRefusedError,
    ConnectionSettings,
    ConnectorKind,
    Destination,
    NothingSentError,
    OutcomeUnknownError,
)
from services.billing_bridge.connectors.webhook.answers import is_acceptance, outcome_of, outcome_of_look_up
from services.billing_bridge.connectors.webhook.body import body_of, reversal_body_of
from services.billing_bridge.connectors.webhook.secrets import check_secret, new_secret
from services.billing_bridge.connectors.webhook.signatures import signed_headers
from services.billing_bridge.domain import Charge
from services.billing_bridge.outcomes import Outcome
from services.billing_bridge.outside import Outside
from services.billing_bridge.posting import Answer, send

check_address: Final = checking(HTTPS)


class WebhookSettings(ConnectionSettings):
    """What a webhook connection may be told."""

    status_url: str | None = None
    """Where to ask for one charge by its key (`<status_url>/<key>`), if the other side can be asked."""
    echoes_key: bool = False
    """Every answer bears the header `webhook-id` of the request that it answers: lines can be kept."""


@dataclass(frozen=True)
class WebhookConnector:
    """One POST for each charge: over a line of its own, or a kept one where answers name their request."""

    outside: Outside

    async def push(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Sign, send and read the answer."""
        (charge,) = charges
        return await self._told(
            charge, body_of(charge, notice=destination.notice), str(charge.charge_id), destination
        )

    async def reverse(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Do the same with its reversal."""
        (charge,) = charges
        body = reversal_body_of(charge, notice=destination.notice)
        return await self._told(charge, body, charge.reversal_key, destination)

    async def look_up(
        self, charges: Sequence[Charge], destination: Destination, *, reversing: bool
    ) -> Outcome:
        """Ask for the charge, or its reversal, by its key."""
        (charge,) = charges
        key = charge.reversal_key if reversing else str(charge.charge_id)
        settings = WebhookSettings.model_validate(destination.settings)
        url = f"{settings.status_url}/{quote(key)}"
        self._refuse_address(url)
        pool, at = self.outside.pool_for(destination, settings), self.outside.clock()
        headers = signed_headers(b"", key=key, secret=destination.secret, at=at)
        answer = await send(pool, url, headers=headers, within=self.outside.answer_seconds)
        return outcome_of_look_up(answer, hidden=_hidden(destination, headers, charge))

    async def _told(self, charge: Charge, body: bytes, key: str, destination: Destination) -> Outcome:
        self._refuse_address(destination.url)
        settings = WebhookSettings.model_validate(destination.settings)
        pool = self.outside.pool_for(destination, settings, kept=settings.echoes_key)
        at = self.outside.clock()
        headers = signed_headers(body, key=key, secret=destination.secret, at=at)
        answer = await send(
            pool,
            destination.url,
            headers=headers,
            body=body,
            within=self.outside.answer_seconds,
            keeps_line_after=partial(_is_clean, key=key) if settings.echoes_key else None,
        )
        if settings.echoes_key and not _is_to(answer, key):
            raise OutcomeUnknownError("The answer does not name the charge: it may be another's.")
        return outcome_of(answer, hidden=_hidden(destination, headers, charge), now=at)

    def _refuse_address(self, url: str) -> None:
        try:
            check_address(url, self.outside.embedded)
        except AddressRefusedError as error:
            raise NothingSentError(str(error)) from None


def _is_to(answer: Answer, key: str) -> bool:
    return answer.headers.get("webhook-id") == key


def _is_clean(answer: Answer, *, key: str) -> bool:
    """Tell whether the line may be used again: what may still come on it can speak of no later charge.

    Only a key that was accepted is never sent again. After any other answer the same key comes back, and
    a second answer to its first request would be taken for the answer to its next.
    """
    return _is_to(answer, key) and is_acceptance(answer)


def _hidden(destination: Destination, headers: Mapping[str, str], charge: Charge) -> tuple[str, ...]:
    signatures = headers["webhook-signature"].split()
    return (*destination.secret.split(), *signatures, *charge.identifiers)


def _looks_up(settings: Mapping[str, Any]) -> bool:
    return bool(settings.get("status_url"))


KIND: Final = ConnectorKind(
    open=WebhookConnector,
    check_address=check_address,
    check_secret=check_secret,
    new_secret=new_secret,
    settings=WebhookSettings,
    looks_up=_looks_up,
)
