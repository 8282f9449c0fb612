"""Sheets of several sessions in one file, and files that need not be made again."""

import pytest

from services.printing.renderer import Press, Printable, PrintedPdf
from services.printing.storage import storage_key
from shared.events.sheet import SignInSheets
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.records import CLINIC, OTHER_CLINIC
from tests.integration.services.printing.conftest import Printing
from tests.unit.services.printing.renderer.sheets import a_sheet, text_of
from tests.unit.services.printing.renderer.test_letters import OF_NO_FONT

pytestmark = pytest.mark.rule("PRINT-2")


class CountingPress(Press):
    """Counts what it prints."""

    printed = 0

    def render(self, document: Printable) -> PrintedPdf:
        self.printed += 1
        return super().render(document)


def _sheets() -> SignInSheets:
    job_id = new_id()
    sheets = [a_sheet(job_id=job_id, session_id=new_id(), group_title=title) for title in ("Grief", "Anger")]
    return SignInSheets(job_id=job_id, sheets=tuple(sheets))


async def test_sheets_of_several_sessions_are_one_file(printing: Printing) -> None:
    sheets = _sheets()
    await printing.request(sheets)
    await printing.render()
    job = await printing.job(sheets)
    text = text_of(await printing.storage.read(job.storage_key))
    assert (job.status, job.kind, job.pages) == ("ready", "sign_in_sheets", 2)
    assert text.index("Grief") < text.index("Anger")


async def test_a_job_of_several_sheets_is_shown_without_a_session(printing: Printing) -> None:
    sheets = _sheets()
    await printing.hire(Role.THERAPIST)
    await printing.request(sheets)
    shown = (await printing.ask(f"/jobs/{sheets.job_id}")).json()
    assert (shown["kind"], shown["session_id"]) == ("sign_in_sheets", None)


async def test_a_sheet_that_would_be_the_same_is_not_made_again(printing: Printing) -> None:
    press = CountingPress()
    first, second = a_sheet(job_id=new_id()), a_sheet(job_id=new_id())
    await printing.request(first)
    await printing.render(renderer=press)
    await printing.request(second)
    await printing.render(renderer=press)
    jobs = [await printing.job(one) for one in (first, second)]
    assert [job.status for job in jobs] == ["ready", "ready"]
    assert (press.printed, jobs[0].storage_key) == (1, jobs[1].storage_key)


async def test_a_sheet_that_shows_something_else_is_made(printing: Printing) -> None:
    press = CountingPress()
    for names in (["Anna K."], ["Anna K.", "Chidi O."]):
        await printing.request(a_sheet(job_id=new_id(), names=names))
        await printing.render(renderer=press)
    assert press.printed == 2


async def test_another_instances_file_is_never_taken(printing: Printing) -> None:
    press = CountingPress()
    for instance_id in (CLINIC, OTHER_CLINIC):
        await printing.request(sheet := a_sheet(job_id=new_id()), instance_id=instance_id)
        await printing.render(renderer=press)
        assert (await printing.job(sheet)).storage_key.startswith(str(instance_id))
    assert press.printed == 2


async def test_a_file_that_was_lost_is_made_anew(printing: Printing) -> None:
    first, second = a_sheet(job_id=new_id()), a_sheet(job_id=new_id())
    await printing.request(first)
    await printing.render()
    (printing.storage.root / storage_key(CLINIC, first.job_id, revision=0)).unlink()
    await printing.request(second)
    await printing.render()
    assert await printing.storage.read((await printing.job(second)).storage_key)


@pytest.mark.rule("PRINT-4")
async def test_whoever_asked_is_warned_of_letters_that_no_font_has(
    printing: Printing,
) -> None:
    sheet = a_sheet(job_id=new_id(), names=[f"{OF_NO_FONT} K."])
    await printing.hire(Role.THERAPIST)
    await printing.request(sheet)
    await printing.render()
    shown = (await printing.ask(f"/jobs/{sheet.job_id}")).json()
    assert shown["status"] == "ready"
    assert shown["warnings"] == [
        "Some letters are printed as boxes, as no font for them is installed: symbols."
    ]


@pytest.mark.rule("PRINT-4")
async def test_a_sheet_with_boxes_is_made_again_since_fonts_may_have_come(printing: Printing) -> None:
    press = CountingPress()
    for _ in range(2):
        await printing.request(a_sheet(job_id=new_id(), names=[OF_NO_FONT]))
        await printing.render(renderer=press)
    assert press.printed == 2
