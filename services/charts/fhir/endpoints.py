"""FHIR R4 over HTTP: read and search, and nothing else (DIST-2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.charts.fhir.capability import capability_statement
from services.charts.fhir.codes import MEDIA_TYPE
from services.charts.fhir.compositions import composition
from services.charts.fhir.document_references import document_reference
from services.charts.fhir.outcomes import REFUSALS, FhirResponse, FhirRoute
from services.charts.fhir.reading import Found, Tell, read_one, search
from services.charts.fhir.searching import Search, note_of, one_patient
from services.charts.requests import CurrentCall
from shared.web.bodies import json_bytes
from shared.web.cursors import DEFAULT_PAGE, LARGEST_PAGE, LONGEST_CURSOR

PREFIX: Final = "/v1/charts/fhir"
METADATA_PATH: Final = f"{PREFIX}/metadata"
"""Open to all: clients read it before they have a token, and it tells of nobody."""

router = APIRouter(
    prefix=PREFIX,
    tags=["fhir"],
    route_class=FhirRoute,
    default_response_class=FhirResponse,
    responses=REFUSALS,
)

Kind = Literal["Composition", "DocumentReference"]
RESOURCES: Final[Mapping[str, Tell]] = {
    "Composition": composition,
    "DocumentReference": document_reference,
}
Format = Annotated[
    str | None, Query(alias="_format", pattern=r"^(json|application/json|application/fhir[ +]json)$")
]
Value = Annotated[str | None, Query(max_length=200)]
Dates = Annotated[tuple[Annotated[str, Query(max_length=40)], ...], Query(max_length=10)]
Id = Annotated[UUID | None, Query(alias="_id")]
Count = Annotated[int, Query(alias="_count", ge=1)]
"""The most that a page may have; FHIR lets a server give fewer."""
Cursor = Annotated[str | None, Query(alias="_cursor", max_length=LONGEST_CURSOR)]


def _described(kind: str) -> dict[int | str, dict[str, Any]]:
    schema = {
        "type": "object",
        "title": kind,
        "required": ["resourceType"],
        "properties": {"resourceType": {"const": kind}},
    }
    return {200: {"content": {MEDIA_TYPE: {"schema": schema}}}}


@router.get("/metadata", responses=_described("CapabilityStatement"))
async def show_capabilities(request: Request, _format: Format = None) -> FhirResponse:
    """Tell what this FHIR interface can do."""
    return FhirResponse(json_bytes(capability_statement(base=_base(request))))


@router.get("/{kind}", responses=_described("Bundle"))
async def find_notes(  # noqa: PLR0917 - FastAPI passes by name
    request: Request,
    call: CurrentCall,
    kind: Kind,
    patient: Value = None,
    subject: Value = None,
    identifier: Value = None,
    note_id: Id = None,
    date: Dates = (),
    period: Dates = (),
    count: Count = DEFAULT_PAGE,
    cursor: Cursor = None,
    _format: Format = None,
) -> FhirResponse:
    """Find notes of a patient, newest session first, or one note by its identifier."""
    wanted = Search(
        patient_id=one_patient(patient=patient, subject=subject),
        note_ids=[one for one in (note_of(identifier), note_id) if one],
        dates=date,
        periods=period,
    )
    deed = call.deed(f"fhir.{kind}.searched")
    found = await search(call.database, deed, wanted, cursor=cursor, limit=min(count, LARGEST_PAGE))
    return FhirResponse(json_bytes(_bundle(request, kind, found, at=deed.at)))


@router.get("/{kind}/{note_id}", responses=_described("Composition or DocumentReference"))
async def show_note(
    request: Request, call: CurrentCall, kind: Kind, note_id: UUID, _format: Format = None
) -> FhirResponse:
    """Give one note."""
    told = await read_one(call.database, call.deed(f"fhir.{kind}.read"), note_id)
    resource = RESOURCES[kind](told, base=_base(request))
    return FhirResponse(json_bytes(resource), headers={"ETag": f'W/"{told.version}"'})


def _bundle(request: Request, kind: Kind, found: Found, *, at: datetime) -> dict[str, Any]:
    base = _base(request)
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "_cursor"]
    links = [{"relation": "self", "url": f"{base}/{kind}?{request.url.query}"}]
    if found.next:
        following = urlencode([*asked, ("_cursor", found.next)])
        links.append({"relation": "next", "url": f"{base}/{kind}?{following}"})
    entries = [
        {
            "fullUrl": f"{base}/{kind}/{told.note['note_id']}",
            "resource": RESOURCES[kind](told, base=base),
            "search": {"mode": "match"},
        }
        for told in found.notes
    ]
    bundle = {"resourceType": "Bundle", "type": "searchset", "timestamp": at, "link": links}
    # FHIR knows no empty lists.
    return bundle | ({"entry": entries} if entries else {})


def _base(request: Request) -> str:
    origin = request.app.state.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return f"{origin}{PREFIX}"
