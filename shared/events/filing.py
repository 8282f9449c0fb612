"""Which chart notes are filed: asked of the charts service by HTTP, for the reconciliation (BILL-10).

Both ways the JSON travels sealed (`shared.web.sealed`), under the purpose named here.
"""

from typing import Final
from uuid import UUID

from shared.events.contract import Contract, Moment

FILED_PATH: Final = "/v1/charts/filed"
FILED_PURPOSE: Final = "filed-notes"


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
