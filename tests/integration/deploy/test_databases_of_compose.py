import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deploy.compose.new_secrets import DATABASES, new_secrets, write_secrets
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from tests.support.servers import PostgresServer, find_postgres_programs

SCRIPT = Path(__file__).resolve().parents[3] / "deploy/compose/postgres/10_databases.sh"

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def urls(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where each service's role reaches its database, after the script has run."""
    texts = new_secrets()
    folder = tmp_path_factory.mktemp("secrets")
    write_secrets(folder, texts)
    environment = {
        "PATH": f"{find_postgres_programs()}:{os.environ['PATH']}",
        "POSTGRES_USER": "postgres",
        "SECRETS_FOLDER": str(folder),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres_server.port),
    }
    subprocess.run([SCRIPT], env=environment, check=True)
    here = f"127.0.0.1:{postgres_server.port}"
    return {service: texts[name].replace("postgres:5432", here) for name, service in DATABASES.items()}


@pytest.mark.parametrize("service", DATABASES.values())
async def test_a_service_can_build_its_tables(urls: dict[str, str], service: str) -> None:
    engine = create_engine(urls[service])
    await upgrade(engine, service)
    async with engine.connect() as connection:
        owner = await connection.scalar(
            text("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
        )
    await engine.dispose()
    assert owner == service


async def test_a_service_enters_no_other_database(urls: dict[str, str]) -> None:
    engine = create_engine(urls["charts"].removesuffix("charts") + "billing_bridge")
    with pytest.raises(DBAPIError, match="permission denied for database"):
        async with engine.connect():
            pass
    await engine.dispose()
