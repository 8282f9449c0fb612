from datetime import date
from typing import Final
from uuid import UUID

import pytest

from shared.clock import now_utc
from shared.database.fields import FieldUnsealableError, fields_from, new_data_key
from shared.database.sealed_columns import Sealed
from shared.database.sealed_rows import SealedRows

FIELDS: Final = fields_from(
    [new_data_key(version, used_from=now_utc()) for version in (0, 1)], instance_id=UUID(int=1), at=now_utc()
)
NOTES: Final = SealedRows(
    table="note", key=("session_id", "patient_id"), texts=("text",), days=("day",), json=("problems",)
)
KEY: Final = {"session_id": UUID(int=2), "patient_id": UUID(int=3)}
WHOLE: Final = KEY | {"text": "He cried.", "day": date(1984, 5, 17), "problems": ["F10.20"], "version": 4}


def test_a_row_opens_as_it_was_sealed() -> None:
    assert NOTES.opened(FIELDS, NOTES.sealed(FIELDS, WHOLE)) == WHOLE


def test_what_is_sealed_shows_nothing_and_the_rest_is_as_it_was() -> None:
    stored = NOTES.sealed(FIELDS, WHOLE)
    assert not [one for one in ("cried", "1984", "F10") if one in str(stored)]
    assert stored["version"] == WHOLE["version"]


def test_what_is_missing_stays_missing() -> None:
    assert NOTES.sealed(FIELDS, KEY | {"text": None}) == KEY | {"text": None}


def test_a_field_opens_in_its_own_row_alone() -> None:
    stored = NOTES.sealed(FIELDS, WHOLE)
    with pytest.raises(FieldUnsealableError):
        NOTES.opened(FIELDS, stored | {"patient_id": UUID(int=4)})


def test_all_its_columns_are_for_the_registry() -> None:
    assert NOTES.columns == tuple(
        Sealed(place=f"note.{one}", row=("session_id", "patient_id")) for one in ("text", "day", "problems")
    )
