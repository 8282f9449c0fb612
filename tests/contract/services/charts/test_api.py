import logging
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import structlog
from fastapi import FastAPI

from services.charts.domain import notes_of
from services.charts.main import create_application
from services.charts.schemas import FiledNote
from shared.messaging.sealing import new_key_ring
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import a_session_record

READ_ONLY_PATHS = {
    "/v1/charts/patients/{patient_id}/notes",
    "/v1/charts/notes/{note_id}",
    "/v1/charts/notes/{note_id}.html",
    "/v1/charts/notes/{note_id}/history",
    "/v1/charts/patients/{patient_id}/tabs",
    "/v1/charts/patients/{patient_id}/attendance",
    "/v1/charts/sessions/{session_id}/filing",
    "/v1/charts/sessions/{session_id}/individual-notes",
    "/v1/charts/fhir/{kind}",
    "/v1/charts/fhir/{kind}/{note_id}",
}
OPEN_PATH = "/v1/charts/fhir/metadata"

TAB_PATHS = {"/v1/charts/tabs", "/v1/charts/tabs/{tab_id}"}
"""The patient settings: how charts are arranged, not what they hold."""


@pytest.fixture
def application(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FastAPI]:
    environment = {
        "OPENCIRCLE_ENVIRONMENT": "embedded",
        "OPENCIRCLE_BROKER_URL": "redis://unused",
        "OPENCIRCLE_MESSAGE_KEYS": new_key_ring(),
        "OPENCIRCLE_ISSUER": ISSUER,
        "OPENCIRCLE_TOKEN_KEYS": str(TokenIssuer(tmp_path).key_file),
        "OPENCIRCLE_CHARTS_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/charts.sqlite3",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    handlers = logging.getLogger().handlers[:]
    yield create_application()
    # A process configures its logging for good; the other tests want theirs back.
    logging.getLogger().handlers[:] = handlers
    structlog.reset_defaults()


@pytest.mark.rule("DIST-2")
def test_the_api_offers_reading_and_nothing_else_but_for_the_arrangement_of_tabs(
    application: FastAPI,
) -> None:
    paths = application.openapi()["paths"]
    assert set(paths) == READ_ONLY_PATHS | TAB_PATHS | {OPEN_PATH}
    assert {verb for path in READ_ONLY_PATHS | {OPEN_PATH} for verb in paths[path]} == {"get"}


@pytest.mark.rule("DIST-1")
@pytest.mark.parametrize(("present", "absent"), [(1, 0), (0, 1)])
def test_a_filed_note_is_what_the_api_describes(present: int, absent: int) -> None:
    (note,) = notes_of(a_session_record(present=present, absent=absent))
    described = FiledNote.model_validate_json(note.content)
    assert described.note_id == note.note_id
    assert described.model_fields_set == set(FiledNote.model_fields)


@pytest.mark.parametrize("path", sorted(READ_ONLY_PATHS | TAB_PATHS))
async def test_nothing_is_read_without_a_token(application: FastAPI, path: str) -> None:
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://charts") as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
