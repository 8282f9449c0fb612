"""Reading what somebody wrote past us: a field that does not open is a difference to be named (SIGN-4)."""

from dataclasses import fields, replace
from typing import Final
from uuid import UUID

import orjson

from shared.database.fields import Fields, FieldUnsealableError
from shared.database.transactions import Transaction

UNOPENABLE: Final = orjson.dumps(["(does not open)"]).decode()
"""Stands for the text of such a field. It is JSON, for those that hold JSON."""


class _LenientFields(Fields):
    def unseal(self, sealed: str, *, place: str, row: UUID | str) -> str:
        try:
            return super().unseal(sealed, place=place, row=row)
        except FieldUnsealableError:
            return UNOPENABLE


def as_far_as_it_opens(db: Transaction) -> Transaction:
    """Give the transaction as one that reads `UNOPENABLE` where a field does not open; only to read by."""
    lenient = _LenientFields(**{one.name: getattr(db.fields, one.name) for one in fields(Fields)})
    return replace(db, fields=lenient)
