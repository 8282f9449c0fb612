import pytest

from services.printing.models import audit_entry
from tests.integration.services.printing.conftest import Printing
from tests.support.refusals import refused_without_a_trace


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize("open_database", ["sqlite"], indirect=True)
async def test_whatever_route_refuses_a_stranger_the_trail_tells_it(printing: Printing) -> None:
    refusals, untold = await refused_without_a_trace(
        printing.application, printing.issuer, printing.database, audit_entry
    )
    assert refusals > 0
    assert untold == []
