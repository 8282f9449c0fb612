import pytest

from services.sessions.metadata import TRAIL
from tests.integration.services.sessions.clinic import Clinic
from tests.support.refusals import refused_without_a_trace


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize("open_database", ["sqlite"], indirect=True)
async def test_whatever_route_refuses_a_stranger_the_trail_tells_it(clinic: Clinic) -> None:
    refusals, untold = await refused_without_a_trace(
        clinic.application, clinic.issuer, clinic.database, TRAIL
    )
    assert refusals > 0
    assert untold == []
