"""Sends DFT messages by a partner's profile, over MLLP or HTTPS, and reads the acknowledgements."""

import base64
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

import orjson
from pydantic import Field, ValidationError, model_validator

from services.billing_bridge.addresses import HTTPS, MLLP, checking
from services.billing_bridge.connector import (
    AddressRefusedError,
    ConnectionSettings,
    ConnectorKind,
    Destination,
    NothingSentError,
    OutcomeUnknownError,
    SecretRefusedError,
    Unit,
)
from services.billing_bridge.domain import Charge
from services.billing_bridge.hl7.acknowledgements import Acknowledgement, outcome_of, read, verdict_of
from services.billing_bridge.hl7.messages import Written, message_of
from services.billing_bridge.hl7.mllp import Line
from services.billing_bridge.hl7.profile import Profile
from services.billing_bridge.outcomes import Outcome, Verdict
from services.billing_bridge.outside import Outside
from services.billing_bridge.posting import Answer, send

check_address: Final = checking({**MLLP, **HTTPS})
HTTP_ANSWER_BYTES_AT_MOST: Final = 65_536


class Hl7Settings(ConnectionSettings):
    """What a connection by HL7 may be told."""

    base: ClassVar[Profile]

    profile: dict[str, Any] = Field(default_factory=dict)
    """What differs from the connector's profile; the same names as in its file."""
    authorization: Literal["none", "basic", "bearer"] = "none"
    """How the connection's secret is shown over HTTPS: `user:password`, or a token."""
    lines: Annotated[int, Field(ge=1, le=10)] = 1
    """MLLP connections at a time. A patient's messages always go over the same one, in their order."""

    @model_validator(mode="after")
    def _profile_fits(self) -> "Hl7Settings":
        try:
            self.base.changed_by(self.profile)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = "/".join(map(str, first["loc"]))
            message = f"profile/{where}: {first['msg']}"
            raise ValueError(message) from None
        return self


@dataclass(frozen=True)
class Hl7Connector:
    """One message for the charges of one patient and session."""

    outside: Outside
    settings: type[Hl7Settings]
    _lines: dict[tuple[str, ssl.SSLContext, int], Line] = field(default_factory=dict, init=False, repr=False)

    async def push(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Write, send and read the acknowledgement."""
        return await self._told(charges, destination, reversing=False)

    async def reverse(self, charges: Sequence[Charge], destination: Destination) -> Outcome:
        """Do the same with the reversal."""
        return await self._told(charges, destination, reversing=True)

    async def _told(self, charges: Sequence[Charge], destination: Destination, *, reversing: bool) -> Outcome:
        self._refuse_address(destination.url)
        settings, profile = _understood(self.settings, orjson.dumps(destination.settings))
        if fault := next(faults_of(charges, profile), None):
            return Outcome(verdict=Verdict.REJECTED, reason=f"Not sent: {fault}")
        written = message_of(
            charges, profile, reversing=reversing, at=self.outside.clock(), notice=destination.notice
        )
        over = self._over_https if urlsplit(destination.url).scheme in {"https", "http"} else self._over_mllp
        answer = await over(written, charges[0], destination, settings, profile)
        return outcome_of(answer, profile, hidden=(destination.secret, *charges[0].identifiers))

    async def _over_mllp(
        self,
        written: Written,
        charge: Charge,
        destination: Destination,
        settings: Hl7Settings,
        profile: Profile,
    ) -> Acknowledgement:
        line = self._line(destination, settings, charge.patient_id.int % settings.lines)
        async with line.sending(written.content) as exchange:
            while True:
                answer = read(await exchange.answer())
                # One that speaks of another message is a second answer to an earlier one.
                if answer.speaks_of == written.control_id and not _is_preliminary(answer, profile):
                    if verdict_of(answer, profile) is not Verdict.ACCEPTED:
                        # The same message may come again: a second answer to this one is not to its next.
                        line.close()
                    return answer

    async def _over_https(
        self,
        written: Written,
        charge: Charge,
        destination: Destination,
        settings: Hl7Settings,
        profile: Profile,
    ) -> Acknowledgement:
        del charge
        pool = self.outside.pool_for(destination, settings)
        answered = await send(
            pool,
            destination.url,
            headers=_headers(destination, settings),
            body=written.content,
            within=self.outside.answer_seconds,
            at_most=HTTP_ANSWER_BYTES_AT_MOST,
        )
        return _acknowledged(answered, written, profile)

    def _line(self, destination: Destination, settings: Hl7Settings, number: int) -> Line:
        tls = self.outside.tls_for(destination, settings)
        key = (destination.url, tls, number)
        if key not in self._lines:
            line = Line(
                url=destination.url,
                tls=tls,
                networks=self.outside.networks,
                answer_seconds=self.outside.answer_seconds,
            )
            self.outside.closing.push_async_callback(line.aclose)
            self._lines[key] = line
        return self._lines[key]

    def _refuse_address(self, url: str) -> None:
        try:
            check_address(url, self.outside.embedded)
        except AddressRefusedError as error:
            raise NothingSentError(str(error)) from None


@lru_cache(maxsize=256)
def _understood(kind: type[Hl7Settings], settings: bytes) -> tuple[Hl7Settings, Profile]:
    understood = kind.model_validate_json(settings)
    return understood, kind.base.changed_by(understood.profile)


def faults_of(charges: Sequence[Charge], profile: Profile) -> Iterator[str]:
    """Say what the partner would refuse or misread, in its profile's words."""
    for charge in charges:
        yield from (one.because for one in profile.required if not getattr(charge, one.value))
        for refused in profile.refused:
            if set(refused.characters) & set(str(getattr(charge, refused.value))):
                yield refused.because


def _is_preliminary(answer: Acknowledgement, profile: Profile) -> bool:
    """Tell whether the receipt is good and the application's own answer is still to come."""
    return profile.acknowledgement == "application" and answer.code == "CA"


def _acknowledged(answered: Answer, written: Written, profile: Profile) -> Acknowledgement:
    """Find the acknowledgement in an HTTP answer; the status alone is no word about the charges."""
    answer = read(answered.body)
    if answer.speaks_of != written.control_id:
        raise OutcomeUnknownError("The answer speaks of another message.")
    if _is_preliminary(answer, profile):
        raise OutcomeUnknownError("It was received, and the application's own answer did not come.")
    return answer


def _headers(destination: Destination, settings: Hl7Settings) -> Mapping[str, str]:
    headers = {"content-type": "application/hl7-v2; charset=utf-8", "accept-encoding": "identity"}
    match settings.authorization:
        case "basic":
            token = base64.b64encode(destination.secret.encode()).decode()
            return headers | {"authorization": f"Basic {token}"}
        case "bearer":
            return headers | {"authorization": f"Bearer {destination.secret}"}
        case "none":
            return headers


def check_secret(secret: str) -> None:
    """Raise `SecretRefusedError` for what can't stand in an HTTP header."""
    if not secret.isascii() or not secret.isprintable():
        raise SecretRefusedError("The secret must be printable ASCII: a token, or `user:password`.")


def kind_by(profile: Path, *, may_deduplicate: bool = True) -> ConnectorKind:
    """Make a connector of a profile's file."""

    class Settings(Hl7Settings):
        base: ClassVar[Profile] = Profile.of_file(profile)

    return ConnectorKind(
        open=lambda outside: Hl7Connector(outside, Settings),
        check_address=check_address,
        check_secret=check_secret,
        settings=Settings,
        unit=Unit.PATIENT_SESSION,
        may_deduplicate=may_deduplicate,
        ordered_per_patient=True,
    )
