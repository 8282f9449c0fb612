from collections.abc import Iterator
from io import BytesIO

import pikepdf
import pytest

from services.printing.renderer import Press
from shared.events.sheet import Paper, SignInSheets
from tests.unit.services.printing.renderer.sheets import LINK, a_sheet, page_texts, structure

pytestmark = pytest.mark.rule("PRINT-2")


@pytest.fixture(scope="module")
def pdf() -> bytes:
    """A sheet of two pages on Letter, then one of one page on A4."""
    long = a_sheet(names=[f"Name{number} Z." for number in range(25)])
    short = a_sheet(group_title="Grief", paper=Paper.A4)
    return Press().render(SignInSheets(job_id=long.job_id, sheets=(long, short))).pdf


@pytest.fixture
def opened(pdf: bytes) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(BytesIO(pdf)) as document:
        yield document


def test_each_sheet_begins_on_a_page_of_its_own_and_counts_its_own_pages(pdf: bytes) -> None:
    feet = [[line for line in page.splitlines() if "Page" in line][-1] for page in page_texts(pdf)]
    assert [foot[foot.index("Page") :] for foot in feet] == ["Page 1 of 2", "Page 2 of 2", "Page 1 of 1"]


def test_each_page_names_its_own_group(pdf: bytes) -> None:
    groups = ["Relapse Prevention", "Relapse Prevention", "Grief"]
    for group, page in zip(groups, page_texts(pdf), strict=True):
        assert f"{group} · Monday, May 5, 2025" in page


def test_each_sheet_has_its_own_paper(opened: pikepdf.Pdf) -> None:
    assert [round(float(page.mediabox[3])) for page in opened.pages] == [792, 792, 842]


def test_the_whole_file_is_tagged(opened: pikepdf.Pdf) -> None:
    assert len(structure(opened, "/H1")) == 2
    assert {len(row.K) for row in structure(opened, "/TR")} == {4}
    assert b'pdfuaid:part="1"' in opened.Root.Metadata.read_bytes()


def test_each_heading_is_a_bookmark(opened: pikepdf.Pdf) -> None:
    with opened.open_outline() as outline:
        assert [item.title for item in outline.root] == ["Relapse Prevention", "Grief"]


@pytest.mark.rule("PRINT-1")
def test_a_code_opens_the_session_and_says_so_to_a_screen_reader() -> None:
    sheet = a_sheet()
    pdf = Press(session_link=LINK).render(sheet).pdf
    with pikepdf.open(BytesIO(pdf)) as document:
        (figure,) = structure(document, "/Figure")
        link = LINK.replace("{session_id}", str(sheet.session_id))
        assert str(figure.Alt) == f"QR code: opens this session, {link}"
