import pytest
from sqlalchemy import select

from services.charts.models import audit_entry
from shared.database.audit import NO_INSTANCE
from shared.messaging.messages import DELIVER_TASK
from shared.messaging.worker import in_trail
from tests.support.databases import OpenDatabase


@pytest.mark.rule("PERM-8")
async def test_a_message_that_nobody_sealed_is_in_the_trail_of_no_instance(
    open_database: OpenDatabase,
) -> None:
    database = await open_database("charts")
    await in_trail(database, audit_entry)(DELIVER_TASK)
    async with database.reading(NO_INSTANCE) as db:
        (entry,) = await db.all(select(audit_entry))
    assert (entry.action, entry.subject, entry.outcome) == ("message.taken", DELIVER_TASK, "refused")
