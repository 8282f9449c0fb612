"""The group note as it is stored: sealed, with whether there is a topic."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.sessions.sealed_columns import GROUP_NOTES
from shared.database.fields import Fields


def sealed_session(fields: Fields, values: Mapping[str, Any], *, session_id: UUID) -> dict[str, Any]:
    """Give values of a session as they are stored, whichever of them are given."""
    sealed = GROUP_NOTES.sealed(fields, values, row=session_id)
    # Worklists ask SQL for it, which can't read a topic (DOC-7).
    return sealed | ({"has_topic": bool(values["topic"].strip())} if "topic" in values else {})
