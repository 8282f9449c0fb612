from hashlib import sha256

import pytest

from services.printing.renderer import Printable, PrintedPdf
from services.printing.storage import FolderStorage, storage_key
from shared.events.catalogue import PRINT_JOB_QUEUED
from shared.events.sheet import PrintJobQueued
from shared.identifiers import new_id
from shared.messaging.messages import Parcel, Verdict
from shared.testing.records import CLINIC, OTHER_CLINIC, a_parcel, enveloped
from tests.integration.services.printing.conftest import Printing
from tests.unit.services.printing.renderer.sheets import a_sheet, text_of

pytestmark = pytest.mark.rule("PRINT-5")


class FullStorage(FolderStorage):
    """Takes nothing."""

    async def keep(self, key: str, content: bytes) -> None:
        del key, content
        raise OSError(28, "No space left on device")


class KilledError(BaseException):
    """A child that is killed, as far as one process can show it."""


class DyingRenderer:
    """Ends its process, whatever it is given."""

    session_link = None

    def render(self, document: Printable) -> PrintedPdf:
        del document
        raise KilledError


def rung_again(parcel: Parcel, ring: int) -> Parcel:
    return parcel.model_copy(
        update={"deliveries": tuple(one.model_copy(update={"ring": ring}) for one in parcel.deliveries)}
    )


async def test_a_rendered_job_is_ready_with_its_file(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id(), names=tuple(f"Anna {number}." for number in range(60)))
    await printing.request(sheet)
    receipts = await printing.render()
    pdf = await printing.storage.read(storage_key(CLINIC, sheet.job_id, revision=0))
    job = await printing.job(sheet)
    assert [receipt.verdict for receipt in receipts] == [Verdict.APPLIED]
    assert (job.status, job.reason, job.storage_key) == ("ready", None, f"{CLINIC}/{sheet.job_id}-0.pdf")
    assert (job.byte_size, job.sha256, job.pages) == (len(pdf), sha256(pdf).hexdigest(), 3)
    assert "Anna59." in text_of(pdf)


async def test_a_sheet_that_cant_be_printed_fails_with_class_and_place_alone(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id(), time_zone="Riverside/Nowhere")
    await printing.request(sheet)
    receipts = await printing.render()
    job = await printing.job(sheet)
    assert job.status == "failed"
    assert job.reason.startswith("UnknownTimeZoneError at printing/renderer/wording.py:")
    assert [receipt.verdict for receipt in receipts] == [Verdict.APPLIED]


async def test_a_failed_job_holds_no_other_up(printing: Printing) -> None:
    bad, good = a_sheet(job_id=new_id(), time_zone="Nowhere"), a_sheet(job_id=new_id())
    await printing.request(bad, good)
    await printing.render()
    assert [(await printing.job(one)).status for one in (bad, good)] == ["failed", "ready"]


async def test_a_ring_after_the_end_changes_nothing(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.request(sheet)
    parcel = await printing.queued()
    await printing.render(parcel)
    ready = await printing.job(sheet)
    receipts = await printing.render(rung_again(parcel, 2), renderer=DyingRenderer())
    assert [receipt.verdict for receipt in receipts] == [Verdict.APPLIED]
    assert await printing.job(sheet) == ready


async def test_a_full_disk_leaves_the_job_to_be_tried_again(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.request(sheet)
    parcel = await printing.queued()
    receipts = await printing.render(parcel, storage=FullStorage(printing.storage.root))
    assert [receipt.verdict for receipt in receipts] == [Verdict.TRANSIENT]
    assert (await printing.job(sheet)).status == "rendering"
    await printing.render(rung_again(parcel, 2))
    assert (await printing.job(sheet)).status == "ready"


async def test_a_sheet_that_keeps_killing_its_process_fails_at_last(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.request(sheet)
    parcel = await printing.queued()
    for ring in range(1, 7):
        with pytest.raises(KilledError):
            await printing.render(rung_again(parcel, ring), renderer=DyingRenderer())
    await printing.render(rung_again(parcel, 7), renderer=DyingRenderer())
    job = await printing.job(sheet)
    assert job.status == "failed"
    assert job.reason.startswith("RenderKeepsDyingError at ")


async def test_a_ring_for_a_job_that_is_not_there_is_parked(printing: Printing) -> None:
    envelope = enveloped(PrintJobQueued(job_id=new_id()), event_type=PRINT_JOB_QUEUED)
    (receipt,) = await printing.render(a_parcel([envelope]))
    assert receipt.verdict is Verdict.PERMANENT
    assert (receipt.reason or "").startswith("NothingToRenderError at ")


async def test_another_instances_event_begins_no_job(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.request(sheet)
    event = enveloped(
        PrintJobQueued(job_id=sheet.job_id), event_type=PRINT_JOB_QUEUED, instance_id=OTHER_CLINIC
    )
    await printing.render(a_parcel([event]))
    assert (await printing.job(sheet)).status == "queued"
