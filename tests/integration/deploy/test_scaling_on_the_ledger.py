import pytest
from sqlalchemy import text

from tests.support.databases import OpenDatabase
from tests.support.kustomize import Document, documents_in
from tests.unit.deploy.compose import ROOT

SERVICES = {"sessions": "sessions", "printing": "printing", "billing": "billing_bridge"}
SCALED = [
    one for one in documents_in(ROOT / "deploy/kubernetes/base/scaling.yaml") if one["kind"] == "ScaledObject"
]


@pytest.mark.postgres
@pytest.mark.parametrize("open_database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("scaled", SCALED, ids=lambda one: str(one["metadata"]["name"]))
async def test_the_database_answers_what_keda_asks(scaled: Document, open_database: OpenDatabase) -> None:
    (trigger,) = scaled["spec"]["triggers"]
    database = await open_database(SERVICES[trigger["authenticationRef"]["name"].removeprefix("scaling-")])
    async with database.engine.connect() as connection:
        assert await connection.scalar(text(trigger["metadata"]["query"])) == 0
