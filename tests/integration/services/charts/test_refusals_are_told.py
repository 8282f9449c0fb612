import pytest

from services.charts.models import audit_entry
from tests.integration.services.charts.conftest import Charts
from tests.support.refusals import refused_without_a_trace


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize("open_database", ["sqlite"], indirect=True)
async def test_whatever_route_refuses_a_stranger_the_trail_tells_it(charts: Charts) -> None:
    refusals, untold = await refused_without_a_trace(
        charts.application, charts.issuer, charts.database, audit_entry
    )
    assert refusals > 0
    assert untold == []
