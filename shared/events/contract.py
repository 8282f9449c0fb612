"""The base of every shape that crosses a service border."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict


class Contract(BaseModel):
    """Immutable facts on the wire. Readers ignore fields that a newer writer added."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)


def _in_utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An aware point in time, always UTC on the wire."""
