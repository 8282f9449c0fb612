import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from deploy.compose.new_secrets import DATABASES, new_secrets, write_secrets
from shared.database.engine import create_engine
from shared.database.migrations import upgrade_and_grant
from tests.support.servers import PostgresServer, find_postgres_programs

SCRIPT = Path(__file__).resolve().parents[3] / "deploy/compose/postgres/10_databases.sh"

TABLES = """
SELECT tableowner, has_table_privilege(tablename, 'SELECT') AS readable,
    has_table_privilege(tablename, 'INSERT') AS fillable
FROM pg_tables WHERE schemaname = 'public'
"""

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def urls(postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where each role reaches its database, by the names of the secrets, after the script has run."""
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
    return {name: text.replace("postgres:5432", here) for name, text in texts.items()}


@pytest.mark.rule("DIST-2")
@pytest.mark.parametrize(("prefix", "service"), DATABASES.items())
async def test_who_serves_reads_every_table_and_owns_none(
    urls: dict[str, str], prefix: str, service: str
) -> None:
    owner = urls[f"opencircle_{prefix}_owner_url"]
    await upgrade_and_grant(service, owner, role=f"{service}_service")
    engine = create_engine(urls[f"opencircle_{prefix}_database_url"])
    async with engine.connect() as connection:
        tables = (await connection.execute(text(TABLES))).all()
    await engine.dispose()
    assert len(tables) > 5
    assert {(table.tableowner, table.readable, table.fillable) for table in tables} == {(service, True, True)}


async def test_who_serves_enters_no_other_database(urls: dict[str, str]) -> None:
    charts = urls["opencircle_charts_database_url"]
    await refused(
        charts.removesuffix("charts") + "billing_bridge", "SELECT 1", "permission denied for database"
    )


async def test_who_serves_can_make_no_table(urls: dict[str, str]) -> None:
    await refused(
        urls["opencircle_charts_database_url"], "CREATE TABLE more ()", "permission denied for schema"
    )


async def refused(url: str, statement: str, because: str) -> None:
    engine = create_engine(url)
    with pytest.raises(DBAPIError, match=because):
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    await engine.dispose()
