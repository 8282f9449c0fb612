from collections.abc import Iterator, MutableMapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.sessions.configuration.use_cases import found_instance
from services.sessions.directory import passwords
from services.sessions.main import build_application
from services.sessions.settings import SessionsSettings
from shared.clock import now_utc
from shared.messaging.sealing import new_key_ring
from shared.settings import Settings
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC, OTHER_CLINIC
from shared.web.identity import Identity
from tests.integration.services.sessions.clinic import Clinic, SetClock
from tests.integration.services.sessions.front_door import LOGIN, PASSWORD, FrontDoor, with_issuer
from tests.support.databases import OpenDatabase


@pytest.fixture(autouse=True, scope="module")
def _quick_hashes() -> Iterator[None]:
    """Hash passwords with little work: what it costs is shown by the unit test of the passwords."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
    with patch.object(passwords, "_hasher", lambda: quick):
        yield


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged."""
    with capture_logs() as captured:
        yield captured


@pytest_asyncio.fixture
async def closed_clinic(open_database: OpenDatabase, tmp_path: Path) -> Clinic:
    """A service with an empty database."""
    issuer, clock = TokenIssuer(tmp_path), SetClock()
    settings = Settings(
        broker_url=SecretStr("redis://unused"),
        message_keys=SecretStr(new_key_ring()),
        issuer=ISSUER,
        token_keys=str(issuer.key_file),
    )
    # Of a weekly group only today's session is there at once; a test that wants more generates it.
    own = SessionsSettings(database_url=SecretStr("given by the fixture"), horizon_days=1)
    database = await open_database("sessions")
    application = build_application(settings, own, database=database, clock=clock)
    return Clinic(application=application, database=database, issuer=issuer, clock=clock, instance_id=CLINIC)


@pytest_asyncio.fixture
async def clinic(closed_clinic: Clinic) -> Clinic:
    """Three patients, everybody of the cast on the staff, no billing system."""
    await closed_clinic.open()
    return closed_clinic


@pytest_asyncio.fixture
async def other_clinic(clinic: Clinic) -> Clinic:
    """Another customer in the same database."""
    other = Clinic(
        application=clinic.application,
        database=clinic.database,
        issuer=clinic.issuer,
        clock=clinic.clock,
        instance_id=OTHER_CLINIC,
    )
    await other.open()
    return other


@pytest_asyncio.fixture
async def front_door(open_database: OpenDatabase, tmp_path: Path) -> FrontDoor:
    """The service as its own issuer, and one Super Admin with a login."""
    database = await open_database("sessions")
    founded = await found_instance(database, name="Riverbend", login=LOGIN, password=PASSWORD, clock=now_utc)
    clock = SetClock(now_utc())
    application = with_issuer(database, tmp_path, clock)
    admin = Identity(
        user_id=founded.administrator_id,
        instance_id=founded.instance_id,
        authenticated_at=clock(),
        expires_at=clock() + timedelta(minutes=5),
    )
    return FrontDoor(application=application, database=database, clock=clock, admin=admin)
