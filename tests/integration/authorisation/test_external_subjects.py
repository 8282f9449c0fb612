"""Every service finds users by the names that another issuer has for them."""

from uuid import uuid5

import pytest

from shared.events.catalogue import STAFF_ACCESS_CHANGED
from shared.events.staff import ExternalSubject, Role, StaffAccess, StaffAccessChanged
from shared.testing.identity import ISSUER
from shared.testing.records import CLINIC
from tests.integration.authorisation.doors import Open

READ = {
    "charts": "GET /v1/charts/tabs",
    "billing_bridge": "GET /v1/billing/codes",
    "printing": "GET /v1/printing/counts",
}


@pytest.mark.parametrize("service", READ)
async def test_a_name_that_the_directory_tells_of_lets_its_user_in(
    service: str, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENCIRCLE_SUBJECTS", "external")
    door = await opened(service)
    assert (await door.ask("Ada at the issuer", READ[service], ids={})).status_code == 403
    ada = StaffAccess(
        user_id=uuid5(CLINIC, "Ada"),
        version=2,
        active=True,
        roles=frozenset({Role.SUPER_ADMIN}),
        features=frozenset(),
        external=ExternalSubject(issuer=ISSUER, subject=str(uuid5(CLINIC, "Ada at the issuer"))),
    )
    await door.hear(StaffAccessChanged(members=(ada,)), STAFF_ACCESS_CHANGED)
    assert (await door.ask("Ada at the issuer", READ[service], ids={})).status_code == 200
    assert (await door.ask("Ada", READ[service], ids={})).status_code == 403
