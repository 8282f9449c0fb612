"""What the description says is what is served: no crash, no status or shape that it does not know."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from pydantic import SecretStr
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.sessions.directory.endpoints import IMPORT_PATH
from services.sessions.main import build_application
from services.sessions.settings import SessionsSettings
from services.sessions.stream.endpoints import STREAM_PATH
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.messaging.sealing import new_key_ring
from shared.settings import Settings
from shared.testing.databases import database_on
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC
from tests.integration.services.sessions.clinic import Clinic, SetClock

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 100 if settings.get_current_profile_name() == "nightly" else 8
"""For each of some eighty operations."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A service with a clinic behind a real server: its address, a Super Admin's token, its description."""
    issuer, url = TokenIssuer(tmp_path), f"sqlite+aiosqlite:///{tmp_path}/sessions.sqlite3"
    database = database_on(create_engine(url))
    application = build_application(
        Settings(
            broker_url=SecretStr("redis://unused"),
            message_keys=SecretStr(new_key_ring()),
            issuer=ISSUER,
            token_keys=str(issuer.key_file),
        ),
        SessionsSettings(database_url=SecretStr(url)),
        database=database,
        clock=SetClock(),
    )
    clinic = Clinic(
        application=application, database=database, issuer=issuer, clock=SetClock(), instance_id=CLINIC
    )

    async def fill() -> None:
        await upgrade(database.engine, "sessions")
        await clinic.open()
        await clinic.documented()
        await database.engine.dispose()

    asyncio.run(fill())
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    token = issuer.token_for(clinic.id_of("Ada"), instance_id=CLINIC)
    yield f"http://127.0.0.1:{port}", token, application.openapi()
    server.should_exit = True
    thread.join()


@pytest.mark.timeout(900)
def test_whatever_is_sent_is_answered_as_described(served: tuple[str, str, dict[str, Any]]) -> None:
    address, token, description = served
    schema: Any = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=address)
    for operation in (result.ok() for result in schema.get_all_operations()):
        # Lines of FHIR have tests of their own, and so has the stream, which does not end.
        if operation.path not in {IMPORT_PATH, STREAM_PATH}:
            _exercise(operation, token)


def _exercise(operation: Any, token: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def exercise(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    exercise()


@pytest.mark.parametrize("ending", ["/v1/directory/staff?name=%00", "/v1/directory/staff?name=%ED%A0%80"])
def test_an_address_that_is_no_text_is_refused(served: tuple[str, str, dict[str, Any]], ending: str) -> None:
    address, token, _ = served
    answer = httpx2.get(address + ending, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
