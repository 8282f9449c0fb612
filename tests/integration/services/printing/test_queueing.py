import pytest

from shared.identifiers import new_id
from shared.messaging.messages import Verdict
from shared.testing.records import CLINIC, OTHER_CLINIC
from tests.integration.services.printing.conftest import Printing
from tests.unit.services.printing.renderer.sheets import a_sheet


@pytest.mark.rule("PRINT-5")
async def test_a_requested_sheet_is_a_queued_job(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.request(sheet)
    job = await printing.job(sheet)
    assert (job.status, job.instance_id, job.session_id) == ("queued", CLINIC, sheet.session_id)
    assert sheet.model_validate_json(job.sheet) == sheet


async def test_each_job_is_published_for_the_renderers(printing: Printing) -> None:
    await printing.request(*(a_sheet(job_id=new_id()) for _ in range(3)))
    rows = [(row.consumer, row.state, row.rings) for row in await printing.deliveries()]
    assert rows == [("printing.render", "open", 0)] * 3


async def test_a_request_that_comes_twice_queues_one_job(printing: Printing) -> None:
    parcel = await printing.request(a_sheet(job_id=new_id()))
    receipts = await printing.consuming.receive(parcel)
    assert [receipt.verdict for receipt in receipts] == [Verdict.APPLIED]
    assert len(await printing.deliveries()) == 1


async def test_another_request_for_the_same_job_queues_nothing_more(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.request(sheet)
    await printing.request(sheet, instance_id=OTHER_CLINIC)
    assert (await printing.job(sheet)).instance_id == CLINIC
    assert len(await printing.deliveries()) == 1
