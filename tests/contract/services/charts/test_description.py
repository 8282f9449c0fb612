"""What the description says is what is served: no crash, no status or shape that it does not know."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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

from services.charts.consumers import HANDLERS
from services.charts.main import build_application
from services.charts.models import inbox
from shared.clock import now_utc
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.database.transactions import Database
from shared.events.catalogue import SESSION_ANNOTATED, SETTINGS_CHANGED, STAFF_ACCESS_CHANGED
from shared.events.contract import Contract
from shared.events.staff import Role, StaffAccess, StaffAccessChanged
from shared.messaging.consuming import Consuming
from shared.messaging.sealing import new_key_ring
from shared.settings import Settings
from shared.testing.corrections import an_annotation, annotated
from shared.testing.databases import database_on
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC, MARGARET, a_parcel, a_session_record, enveloped
from shared.web.instance_settings import NOTHING_HEARD

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 100 if settings.get_current_profile_name() == "nightly" else 8
"""For each of some eighty operations."""

EVERYTHING_ON = NOTHING_HEARD.model_copy(
    update={
        "version": 1,
        "use_group_sessions": True,
        "view_individual_group_sessions": True,
        "show_attendance_in_chart": True,
    }
)
MARGARET_AS_ADMIN = StaffAccess(
    user_id=MARGARET, version=1, active=True, roles=frozenset({Role.SUPER_ADMIN}), features=frozenset()
)
RECORD = a_session_record(present=2, absent=1)
HEARD: list[tuple[str, Contract]] = [
    (SETTINGS_CHANGED, EVERYTHING_ON),
    (STAFF_ACCESS_CHANGED, StaffAccessChanged(members=(MARGARET_AS_ADMIN,))),
    (SESSION_ANNOTATED, annotated(RECORD, an_annotation(RECORD.participants[0].patient_id))),
]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The service with charts in it behind a real server: its address, a token, its description."""
    issuer = TokenIssuer(tmp_path)
    database = database_on(create_engine(f"sqlite+aiosqlite:///{tmp_path}/charts.sqlite3"))
    application = build_application(
        Settings(
            broker_url=SecretStr("redis://unused"),
            message_keys=SecretStr(new_key_ring()),
            issuer=ISSUER,
            token_keys=str(issuer.key_file),
        ),
        database=database,
        clock=now_utc,
    )
    asyncio.run(fill(database))
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    token = issuer.token_for(MARGARET, instance_id=CLINIC)
    yield f"http://127.0.0.1:{port}", token, application.openapi()
    server.should_exit = True
    thread.join()


async def fill(database: Database) -> None:
    await upgrade(database.engine, "charts")
    consuming = Consuming(consumer="charts", database=database, inbox=inbox, handlers=HANDLERS)
    for event_type, facts in HEARD:
        await consuming.receive(a_parcel([enveloped(facts, event_type=event_type)]))
    await database.engine.dispose()


@pytest.mark.timeout(180)
def test_whatever_is_sent_is_answered_as_described(served: tuple[str, str, dict[str, Any]]) -> None:
    address, token, description = served
    schema: Any = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=address)
    for operation in (result.ok() for result in schema.get_all_operations()):
        _exercise(operation, token)


def _exercise(operation: Any, token: str) -> None:
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def exercise(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    exercise()
