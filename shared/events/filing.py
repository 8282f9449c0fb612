"""Which chart notes are filed: asked of the charts service by HTTP, for the reconciliation (BILL-10).

Both ways the JSON travels sealed, under the purposes named here: the seal is the proof of who asks.
"""

from hashlib import sha256
from typing import Final
from uuid import UUID

from shared.events.contract import Contract, Moment

FILED_PATH: Final = "/v1/charts/filed"
FILED_PURPOSE: Final = "filed-notes"


def filed_answer_purpose(sealed_request: str) -> str:
    """Give the purpose of the answer to one request: no other answer can be passed off as it."""
    return f"filed-notes-answer/{sha256(sealed_request.encode()).hexdigest()}"


class FiledRequest(Contract):
    """Asks for notes of these documentations, and of all whose session began in a span of time."""

    instance_id: UUID
    documentation_ids: tuple[UUID, ...]
    since: Moment
    until: Moment
    """Not included."""


class FiledDocumentation(Contract):
    """The notes of one documentation, nothing of what they say."""

    documentation_id: UUID
    session_id: UUID
    present: tuple[UUID, ...]
    """The patients in whose charts a note says that they were present."""
    entered_in_error: bool


class Filed(Contract):
    """The answer."""

    instance_id: UUID
    documentations: tuple[FiledDocumentation, ...]
