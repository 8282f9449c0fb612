"""Rows of a roster as they are stored: sealed, with whether there is a note."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.sessions.sealed_columns import ROSTERS
from shared.database.fields import Fields, row_key


def sealed_entry(
    fields: Fields, values: Mapping[str, Any], *, documentation_id: UUID | None, patient_id: UUID
) -> dict[str, Any]:
    """Give values of a roster's row as they are stored, whichever of them are given."""
    sealed = ROSTERS.sealed(fields, values, row=row_key(str(documentation_id), patient_id))
    if "individual_note" not in values:
        return sealed
    # Worklists ask SQL for it, which can't read a note (DOC-7).
    return sealed | {"has_note": bool((values["individual_note"] or "").strip())}
