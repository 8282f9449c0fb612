"""CloudEvents 1.0 envelopes (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md)."""

from typing import Generic, Literal, TypeVar
from uuid import UUID

from shared.events.contract import Contract, Moment

FactsT = TypeVar("FactsT", bound=Contract)


class Envelope(Contract, Generic[FactsT]):
    """One event: something that happened, once, with every fact that a consumer needs."""

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    """UUIDv7, never reused: the key of every consumer's inbox."""
    source: str
    """The service that published it, as a URI reference: `/services/sessions`."""
    type: str
    """One of `shared.events.catalogue.EVENT_TYPES`."""
    subject: str
    """The id of the thing that it happened to."""
    time: Moment
    datacontenttype: Literal["application/json"] = "application/json"
    instanceid: UUID
    """Extension attribute: the customer organisation that owns the facts."""
    traceparent: str | None = None
    """Extension attribute: W3C trace context of the request that caused it."""
    data: FactsT


def envelope_of(facts: type[FactsT]) -> type[Envelope[FactsT]]:
    """Give the envelope's class for one kind of facts."""
    return Envelope[facts]  # type: ignore[valid-type]
