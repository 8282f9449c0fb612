"""What the database of billing shows to whoever takes a dump of it, and what is not as it was stored."""

import re
from typing import Any

from sqlalchemy import Uuid, bindparam, text

from services.billing_bridge.claims import UNREADABLE
from shared.testing.records import a_patient, a_session_record
from tests.integration.services.billing_bridge.conftest import Billing
from tests.integration.services.billing_bridge.scripted_receiver import answering, scripted_receiver
from tests.support.databases import dumped

NAME: dict[str, Any] = {"printed_name": "Quintessa Aabrueggenfeld", "family_name": "Aabrueggenfeld"}
PLANTED = re.compile("quintessa|aabrueggenfeld|MRN-7Q|1977-02-03|group psychotherapy", re.IGNORECASE)


async def test_a_dump_shows_no_name_though_the_other_side_quotes_it(billing: Billing) -> None:
    patient = a_patient(0, **NAME, given_names=("Quintessa",), mrn="MRN-7Q", birth_date="1977-02-03")
    # In other letters, so that it is not hidden in what is kept of the answer.
    quoting = answering(422, {"detail": "No policy of QUINTESSA AABRUEGGENFELD."})
    async with scripted_receiver(quoting) as receiver:
        await billing.connect(receiver.url)
        await billing.hear(a_session_record(participants=(patient,)))
        await billing.push()
    await billing.decide("cancel", reason="Quintessa pays by herself.")
    shown = await billing.shown()
    assert "QUINTESSA" in shown["pushes"][0]["answer"]
    assert (shown["mrn"], shown["reason"]) == ("MRN-7Q", "Cancelled: Quintessa pays by herself.")
    stored = await dumped(billing.database)
    assert "rejected" in stored
    assert not PLANTED.search(stored)


async def test_a_charge_that_is_not_as_it_was_stored_is_held_and_stops_no_other(billing: Billing) -> None:
    async with scripted_receiver() as receiver:
        await billing.connect(receiver.url)
        await billing.hear(a_session_record(present=2, absent=0))
        first, second = await billing.charges()
        await _forge(billing, first.charge_id)
        await billing.push()
        assert receiver.keys == [str(second.charge_id)]
    (group,) = (await billing.ask("/worklist")).json()["groups"]
    assert (group["status"], group["reason"], group["charges"]) == ("held", UNREADABLE, 1)


async def _forge(billing: Billing, charge_id: object) -> None:
    """Lay another charge's sealed number into this one, past the trigger, as who holds the database can."""
    async with billing.database.writing_for_all() as connection:
        if connection.dialect.name == "sqlite":
            triggers = await connection.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'charge'")
            )
            for name in triggers.scalars().all():
                await connection.execute(text(f"DROP TRIGGER {name}"))
        else:
            await connection.execute(text("ALTER TABLE charge DISABLE TRIGGER USER"))
        other = "(SELECT other.mrn FROM charge AS other WHERE other.charge_id <> charge.charge_id)"
        forged = text(f"UPDATE charge SET mrn = {other} WHERE charge_id = :id").bindparams(  # noqa: S608
            bindparam("id", charge_id, type_=Uuid())
        )
        await connection.execute(forged)
        if connection.dialect.name == "postgresql":
            await connection.execute(text("ALTER TABLE charge ENABLE TRIGGER USER"))
