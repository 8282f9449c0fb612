import os
from pathlib import Path

import pytest
from sqlalchemy import text

from deploy.embedded.folder import SERVICES, DataFolder
from deploy.operations.where import NoDeploymentError, Where, tables_of, where_is
from services.billing_bridge.settings import BillingSettings
from shared.settings import Environment


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A data folder as a first start leaves it, but for its tables."""
    folder = DataFolder(root=tmp_path)
    folder.prepare()
    for service in SERVICES:
        folder.database(service).touch()
    return folder


def test_a_folder_tells_all_settings_and_databases(folder: DataFolder) -> None:
    where = where_is(folder.root)
    assert where.services == SERVICES
    assert where.settings.environment is Environment.EMBEDDED
    assert where.read(BillingSettings).connection_keys.get_secret_value().startswith("k1:")
    assert where.url("charts") == f"sqlite+aiosqlite:///{folder.root}/charts.sqlite3"


def test_a_folder_is_not_mixed_with_the_environment(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCIRCLE_LOG_LEVEL", "DEBUG")
    before = dict(os.environ)
    assert where_is(folder.root).settings.log_level == "INFO"
    assert dict(os.environ) == before


def test_the_environment_tells_only_the_databases_that_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCIRCLE_BILLING_DATABASE_URL", "postgresql+asyncpg://there/billing")
    where = where_is(None)
    assert where == Where()
    assert where.services == ("billing_bridge",)
    assert where.url("billing_bridge") == "postgresql+asyncpg://there/billing"


def test_an_empty_folder_is_no_deployment(tmp_path: Path) -> None:
    with pytest.raises(NoDeploymentError, match="give --data-dir"):
        where_is(tmp_path)
    assert [*tmp_path.iterdir()] == []


async def test_databases_are_open_during_the_block(folder: DataFolder) -> None:
    async with where_is(folder.root).databases("sessions", "printing") as databases:
        assert list(databases) == ["sessions", "printing"]
        async with databases["printing"].engine.connect() as connection:
            assert await connection.scalar(text("SELECT 1")) == 1


def test_a_running_deployment_says_where_it_serves(folder: DataFolder, tmp_path: Path) -> None:
    assert folder.serving() is None
    with folder.announced(sockets=tmp_path / "sockets", port=8801):
        serving = folder.serving()
        assert serving is not None
        assert (serving.port, serving.sockets) == (8801, tmp_path / "sockets")
    assert folder.serving() is None


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_keeps_an_audit_trail(service: str) -> None:
    assert "audit_entry" in tables_of(service).tables
