import asyncio

from services.sessions.directory.models import STAFF_ACCESS
from services.sessions.metadata import LEDGER
from shared.events.catalogue import parse
from tests.integration.services.sessions.clinic import Clinic


async def test_grants_at_once_get_versions_of_their_own_and_the_newest_stays(clinic: Clinic) -> None:
    path = f"/v1/directory/staff/{clinic.id_of('Nora')}/access"
    roles = ["therapist", "nurse", "doctor", "tech", "case_manager"]
    await asyncio.gather(
        *(clinic.do("Ada", "PUT", path, json={"roles": [role]}, if_match="*") for role in roles)
    )
    told = [parse(one.body, one.type).data.members[0] for one in await clinic.rows(LEDGER.event)]
    assert sorted(one.version for one in told) == [2, 3, 4, 5, 6]
    (kept,) = (one for one in await clinic.rows(STAFF_ACCESS) if one.user_id == clinic.id_of("Nora"))
    newest = max(told, key=lambda one: one.version)
    assert (kept.version, kept.roles) == (newest.version, sorted(newest.roles))
