import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database.insert_only import REFUSAL
from tests.integration.services.sessions.clinic import Clinic


@pytest.mark.rule("SIGN-4", "PERM-8")
@pytest.mark.parametrize("table", ["signature", "audit_entry", "event"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET instance_id = instance_id", "DELETE FROM {}"])
async def test_the_database_itself_refuses_to_change_what_happened(
    clinic: Clinic, table: str, statement: str
) -> None:
    await clinic.sign(await clinic.documented())
    async with clinic.database.writing_for_all() as connection:
        with pytest.raises(DBAPIError, match=REFUSAL):
            await connection.execute(text(statement.format(table)))
        await connection.rollback()
