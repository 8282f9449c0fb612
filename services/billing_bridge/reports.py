"""The billing report in totals and as CSV, for the instance or one patient (BILL-7)."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, func

from services.billing_bridge.models import charge, charge_status, connection
from services.billing_bridge.outcomes import Status
from services.billing_bridge.places import PLACE, at_its_connection
from services.billing_bridge.views import LISTED, SHOWN_OF_PLACE, told
from shared.database.transactions import Transaction
from shared.web.problems import InvalidProblem

ROWS_AT_MOST: Final = 50_000
CHARGE_COLUMNS: Final = (
    "charge_id", "system", "session_id", "patient_id", "mrn", "service_date", "form", "code", "units",
    "minutes", "status", "reason", "attempts", "receipt_id", "retracted", "reversing", "made_at",
)  # fmt: skip
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which charges the report is about; days are dates of service, both included."""

    since: date | None = None
    until: date | None = None
    patient_id: UUID | None = None
    system: str | None = None
    code: str | None = None
    status: Status | None = None


async def totals(db: Transaction, filters: Filters) -> list[dict[str, Any]]:
    """Count charges, units and minutes by system, code and status. There is no money: prices are not ours."""
    keys = (charge_status.c.system, charge.c.form, charge.c.code, charge_status.c.status)
    numbers = (
        func.count().label("charges"),
        func.count(charge.c.patient_id.distinct()).label("patients"),
        func.sum(charge.c.units).label("units"),
        func.sum(charge.c.minutes).label("minutes"),
    )
    return await db.records(_chosen(db, filters, *keys, *numbers).group_by(*keys).order_by(*keys))


async def rows(db: Transaction, filters: Filters) -> list[dict[str, Any]]:
    """Give every charge of the report, by day of service; raises `InvalidProblem` if they are too many."""
    place = (column for column in PLACE if str(column.key) not in SHOWN_OF_PLACE)
    statement = (
        _chosen(db, filters, *LISTED, *place)
        .join(connection, at_its_connection, isouter=True)
        .order_by(charge.c.service_date, charge.c.charge_id)
        .limit(ROWS_AT_MOST + 1)
    )
    found = [told(row, db.fields) for row in await db.records(statement)]
    if len(found) > ROWS_AT_MOST:
        errors = [{"pointer": "query:since", "detail": f"choose days with at most {ROWS_AT_MOST} charges"}]
        raise InvalidProblem("These are more charges than one file takes.", errors=errors)
    return found


def _chosen(db: Transaction, filters: Filters, *columns: Any) -> Select[Any]:
    statement = db.rows_of(charge, *columns).join(
        charge_status, charge_status.c.charge_id == charge.c.charge_id
    )
    for column in (charge.c.patient_id, charge.c.system, charge.c.code, charge_status.c.status):
        if (wanted := getattr(filters, column.key)) is not None:
            statement = statement.where(column == wanted)
    if filters.since:
        statement = statement.where(charge.c.service_date >= filters.since)
    if filters.until:
        statement = statement.where(charge.c.service_date <= filters.until)
    return statement


def csv_of(columns: Sequence[str], lines: Iterable[Mapping[str, Any]]) -> bytes:
    """Write CSV (RFC 4180, UTF-8). No cell is read as a formula by a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_cell(line[column]) for column in columns] for line in lines)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if value is None:
        return ""
    written = value.isoformat() if isinstance(value, date) else str(value)
    return f"'{written}" if isinstance(value, str) and written.startswith(FORMULA) else written
