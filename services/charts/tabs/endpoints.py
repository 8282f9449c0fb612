"""Tabs over HTTP: the patient settings (TAB-2), and what one chart shows of them."""

from dataclasses import asdict
from uuid import UUID

from fastapi import APIRouter, Response

from services.charts.access import audited
from services.charts.domain import READS_CHARTS
from services.charts.requests import CurrentCall
from services.charts.tabs import use_cases
from services.charts.tabs.charting import tabs_in_chart
from services.charts.tabs.domain import Tab, TabKind
from services.charts.tabs.schemas import NewTab, TabAnswer, TabFacts, TabList
from shared.identifiers import new_id
from shared.web.bodies import etag_of, json_response
from shared.web.preconditions import IfMatch

router = APIRouter(prefix="/v1/charts", tags=["tabs"])


@router.get("/tabs", response_model=TabList)
async def list_tabs(call: CurrentCall) -> Response:
    """List the tabs of all charts, in their order."""
    return _listed(await use_cases.read_tabs(call.database, call.deed("tabs.listed")))


@router.post("/tabs", status_code=201, response_model=TabAnswer)
async def post_tab(body: NewTab, call: CurrentCall) -> Response:
    """Add a tab; a second one of the kind group sessions is refused (TAB-3)."""
    tab = Tab(id=new_id(), version=1, **dict(body) | {"order": body.order or 0})
    made = await use_cases.create_tab(call.database, call.deed("tab.created"), tab, last=body.order is None)
    return _tab(made, status=201, headers={"Location": f"/v1/charts/tabs/{made.id}"})


@router.get("/tabs/{tab_id}", response_model=TabAnswer)
async def get_tab(tab_id: UUID, call: CurrentCall) -> Response:
    """Give one tab."""
    return _tab(await use_cases.read_tab(call.database, call.deed("tab.read"), tab_id))


@router.put("/tabs/{tab_id}", response_model=TabAnswer)
async def put_tab(tab_id: UUID, body: TabFacts, call: CurrentCall, if_match: IfMatch = None) -> Response:
    """Rename, disable, move or limit a tab over the version that was read; its kind stays."""
    # The kind and the version are those of the tab that is there.
    wanted = Tab(id=tab_id, kind=TabKind.STANDARD, version=0, **dict(body))
    deed = call.deed("tab.changed")
    return _tab(await use_cases.change_tab(call.database, deed, wanted, if_match=if_match))


@router.delete("/tabs/{tab_id}", status_code=204)
async def delete_tab(tab_id: UUID, call: CurrentCall, if_match: IfMatch = None) -> Response:
    """Delete a tab over the version that was read, and no note (TAB-5)."""
    await use_cases.delete_tab(call.database, call.deed("tab.deleted"), tab_id, if_match=if_match)
    return Response(status_code=204)


@router.get("/patients/{patient_id}/tabs", response_model=TabList, tags=["charts"])
async def list_tabs_of_chart(patient_id: UUID, call: CurrentCall) -> Response:
    """List the tabs that a patient's chart shows."""
    deed = call.deed("chart.opened")
    async with audited(call.database, deed, READS_CHARTS, subject=patient_id, patient_id=patient_id) as db:
        return _listed(await tabs_in_chart(db, patient_id))


def _listed(tabs: list[Tab]) -> Response:
    return json_response({"items": [asdict(one) for one in tabs]})


def _tab(tab: Tab, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return json_response(
        asdict(tab), status=status, headers={"ETag": etag_of(tab.version), **(headers or {})}
    )
