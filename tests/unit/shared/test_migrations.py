import pytest

from deploy.embedded.folder import SERVICES
from shared.database.migrations import url_of
from tests.unit.deploy.compose import settings_of


@pytest.mark.parametrize("service", SERVICES)
def test_a_migration_finds_its_database_where_the_service_does(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = settings_of(service)[1]
    monkeypatch.setenv(f"{own.model_config['env_prefix']}DATABASE_URL", "sqlite+aiosqlite:///here.sqlite3")
    assert url_of(service) == "sqlite+aiosqlite:///here.sqlite3"
