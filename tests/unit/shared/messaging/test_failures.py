from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.database.field_keys import DataKeyUnopenableError
from shared.messaging.failures import CannotApplyError, reason_of, verdict_on
from shared.messaging.messages import Verdict


class FromPostgres(Exception):  # noqa: N818 - stands for the driver's own error
    def __init__(self, sqlstate: str) -> None:
        super().__init__("a text that may quote Anna Okafor")
        self.sqlstate = sqlstate


def from_database(original: BaseException, **options: Any) -> DBAPIError:
    return DBAPIError("INSERT", {}, original, **options)


PASSING = {
    "connection lost": from_database(FromPostgres("08006")),
    "connection invalidated": from_database(FromPostgres(""), connection_invalidated=True),
    "deadlock": from_database(FromPostgres("40P01")),
    "disk full": from_database(FromPostgres("53100")),
    "lock not available": from_database(FromPostgres("55P03")),
    "shutting down": from_database(FromPostgres("57P01")),
    "SQLite busy": from_database(Exception("database is locked")),
    "socket": ConnectionResetError(),
    "time-out": TimeoutError(),
    "a master key that is missing": DataKeyUnopenableError("an instance", 1),
}

LASTING = {
    "a row that cannot be": IntegrityError("INSERT", {}, FromPostgres("23502")),
    "malformed": ValueError("no"),
    "unknown type": KeyError("opencircle.unheard_of"),
    "given up": CannotApplyError(),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_tried_again(name: str) -> None:
    assert verdict_on(PASSING[name]) is Verdict.TRANSIENT


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_parked(name: str) -> None:
    assert verdict_on(LASTING[name]) is Verdict.PERMANENT


def test_a_reason_names_class_and_place_and_quotes_nothing() -> None:
    def fail() -> None:
        raise ValueError("Anna Okafor")

    with pytest.raises(ValueError, match="Anna") as failure:
        fail()
    reason = reason_of(failure.value)
    assert reason.startswith("ValueError at shared/messaging/test_failures.py:")
    assert "Anna" not in reason
