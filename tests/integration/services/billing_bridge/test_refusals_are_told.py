import pytest

from services.billing_bridge.models import audit_entry
from tests.integration.services.billing_bridge.conftest import Billing
from tests.support.refusals import refused_without_a_trace


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize("open_database", ["sqlite"], indirect=True)
async def test_whatever_route_refuses_a_stranger_the_trail_tells_it(billing: Billing) -> None:
    refusals, untold = await refused_without_a_trace(
        billing.application, billing.issuer, billing.database, audit_entry
    )
    assert refusals > 0
    assert untold == []
