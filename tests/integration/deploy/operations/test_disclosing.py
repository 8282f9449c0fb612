import asyncio
import json
from uuid import uuid4

from sqlalchemy import select
from typer.testing import CliRunner

from deploy.embedded.folder import DataFolder
from deploy.operations.commands import cli
from deploy.operations.where import Where, tables_of
from shared.clock import now_utc
from shared.database.audit import record_access

PATIENT, OTHER, CLINIC, READER = uuid4(), uuid4(), uuid4(), uuid4()
READS = [
    ("charts", "fhir.Composition.read", PATIENT),
    ("charts", "emergency.fhir.Composition.read", PATIENT),
    ("charts", "chart.listed", PATIENT),
    ("charts", "fhir.Composition.read", OTHER),
    ("printing", "print_job.file_read", PATIENT),
]


async def read_by_somebody(folder: DataFolder) -> None:
    async with Where(folder=folder).databases("charts", "printing") as databases:
        for service, action, patient_id in READS:
            trail = tables_of(service).tables["audit_entry"]
            async with databases[service].writing(CLINIC) as db:
                await record_access(
                    db,
                    trail,
                    at=now_utc(),
                    user_id=READER,
                    action=action,
                    subject=uuid4(),
                    patient_id=patient_id,
                )


async def actions(folder: DataFolder, service: str) -> list[str]:
    async with (
        Where(folder=folder).databases(service) as databases,
        databases[service].reading_for_all() as connection,
    ):
        return list(
            (await connection.execute(select(tables_of(service).tables["audit_entry"].c.action))).scalars()
        )


def test_what_went_out_of_one_patient_is_listed_and_that_is_audited(deployment: DataFolder) -> None:
    asyncio.run(read_by_somebody(deployment))
    result = CliRunner().invoke(
        cli, ["disclosures", str(PATIENT), "--data-dir", str(deployment.root), "--json"]
    )
    told = json.loads(result.stdout)
    assert [(one["from"], one["what"], one["to"]) for one in told] == [
        ("charts", "fhir.Composition.read", str(READER)),
        ("charts", "emergency.fhir.Composition.read", str(READER)),
        ("printing", "print_job.file_read", str(READER)),
    ]
    assert "disclosures.accounted" in asyncio.run(actions(deployment, "charts"))
