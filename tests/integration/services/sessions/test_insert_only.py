import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database.insert_only import REFUSAL
from tests.integration.services.sessions.clinic import Clinic

TABLES = [
    "signature",
    "annotation",
    "documentation_author",
    "signed_document",
    "distributed_documentation",
    "audit_entry",
    "event",
]


@pytest.mark.rule("SIGN-4", "SIGN-5", "PERM-8")
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["UPDATE {} SET instance_id = instance_id", "DELETE FROM {}"])
async def test_the_database_itself_refuses_to_change_what_happened(
    clinic: Clinic, table: str, statement: str
) -> None:
    session_id = await clinic.documented()
    await clinic.sign(session_id)
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/annotations"
    await clinic.do("Margaret", "POST", path, json={"text": "Called back."})
    async with clinic.database.writing_for_all() as connection:
        with pytest.raises(DBAPIError, match=REFUSAL):
            await connection.execute(text(statement.format(table)))
        await connection.rollback()
