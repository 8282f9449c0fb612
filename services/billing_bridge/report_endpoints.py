"""The way in over HTTP: the billing report and the reconciliation, as JSON and as CSV."""

from dataclasses import asdict
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.billing_bridge import reports, schemas
from services.billing_bridge.endpoints import Call, CurrentCall
from services.billing_bridge.outcomes import Status
from services.billing_bridge.reconciliation import reconcile_day
from services.billing_bridge.reconciling import Line
from services.billing_bridge.use_cases import as_biller
from shared.events.staff import Scope
from shared.web.bodies import json_response
from shared.web.shapes import Day

router = APIRouter(prefix="/v1/billing", tags=["billing reports"])

LINE_COLUMNS: Final = (
    "session_id", "documentation_id", "billed_as", "void", "present", "filed", "charges", "acknowledged",
    "difference", "patient_id", "charge_id", "detail",
)  # fmt: skip
CSV_ANSWER: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}}
}


async def _filters(
    *,
    since: Day | None = None,
    until: Day | None = None,
    patient_id: UUID | None = None,
    system: Annotated[str | None, Query(max_length=40)] = None,
    code: Annotated[str | None, Query(max_length=10)] = None,
    status: Status | None = None,
) -> reports.Filters:
    return reports.Filters(
        since=since, until=until, patient_id=patient_id, system=system, code=code, status=status
    )


Filters = Annotated[reports.Filters, Depends(_filters)]


@router.get("/report", response_model=schemas.Report)
async def report(call: CurrentCall, filters: Filters) -> Response:
    """Total charges, units and minutes by system, code and status (BILL-7); days are of service, included."""
    async with _reading(call, filters, "report.read") as db:
        return json_response({"totals": await reports.totals(db, filters)})


@router.get("/report.csv", response_class=Response, responses=CSV_ANSWER)
async def report_as_csv(call: CurrentCall, filters: Filters) -> Response:
    """Give every charge of the report as CSV (BILL-7)."""
    async with _reading(call, filters, "report.downloaded") as db:
        found = await reports.rows(db, filters)
    return _csv(reports.csv_of(reports.CHARGE_COLUMNS, found), name="charges.csv")


@router.get("/reconciliation", response_model=schemas.Reconciliation)
async def reconciliation(call: CurrentCall, request: Request, on: Day) -> Response:
    """Compare a day's present patients, notes, charges and acknowledgements, each difference named.

    A day as it is where the session was held.
    """
    lines = await _lines(call, request, on)
    body = {
        "on": on,
        "sessions": len(lines),
        "present": sum(line.present for line in lines),
        "filed": None
        if any(line.filed is None for line in lines)
        else sum(line.filed or 0 for line in lines),
        "charges": sum(line.charges for line in lines),
        "acknowledged": sum(line.acknowledged for line in lines),
        "differences": sum(len(line.differences) for line in lines),
        "lines": [asdict(line) for line in lines],
    }
    return json_response(body)


@router.get("/reconciliation.csv", response_class=Response, responses=CSV_ANSWER)
async def reconciliation_as_csv(call: CurrentCall, request: Request, on: Day) -> Response:
    """Give the reconciliation as CSV: a row per difference, or one for a session without any."""
    rows = [row for line in await _lines(call, request, on) for row in _rows(line)]
    return _csv(reports.csv_of(LINE_COLUMNS, rows), name=f"reconciliation-{on.isoformat()}.csv")


async def _lines(call: Call, request: Request, on: Day) -> list[Line]:
    deed = call.deed("reconciliation.read")
    return await reconcile_day(call.database, deed, request.app.state.filed_notes, on=on)


def _rows(line: Line) -> list[dict[str, Any]]:
    numbers = {name: value for name, value in asdict(line).items() if name != "differences"}
    none: dict[str, object] = {"difference": None, "patient_id": None, "charge_id": None, "detail": None}
    named: list[dict[str, object]] = [
        {
            "difference": one.kind.value,
            "patient_id": one.patient_id,
            "charge_id": one.charge_id,
            "detail": one.detail,
        }
        for one in line.differences
    ]
    return [numbers | one for one in named or [none]]


def _reading(call: Call, filters: reports.Filters, action: str) -> Any:
    subject = filters.patient_id or call.identity.instance_id
    return as_biller(
        call.database,
        call.deed(action),
        subject=subject,
        patient_id=filters.patient_id,
        scope=Scope.CHARGES_READ,
    )


def _csv(content: bytes, *, name: str) -> Response:
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)
