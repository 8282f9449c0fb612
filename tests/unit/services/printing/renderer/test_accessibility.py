import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pikepdf
import pytest

from services.printing.renderer import AttendanceRecord, ChartNote, Press, Printable
from shared.events.sheet import SignInSheets
from shared.identifiers import new_id
from shared.testing.records import a_session_record
from tests.unit.services.printing.renderer.sheets import a_sheet, structure

pytestmark = pytest.mark.rule("PRINT-4")

Opened = Callable[..., pikepdf.Pdf]
A_RECORD: Final = a_session_record(present=30, absent=10)
KINDS: Final[dict[str, Printable]] = {
    "sheet": a_sheet(),
    "sheets": SignInSheets(job_id=new_id(), sheets=(a_sheet(), a_sheet())),
    "record": AttendanceRecord(record=A_RECORD),
    "void record": AttendanceRecord(record=A_RECORD, superseded=True),
    "note": ChartNote(record=A_RECORD, patient_id=A_RECORD.participants[0].patient_id),
}


@pytest.mark.skipif(shutil.which("verapdf") is None, reason="veraPDF is not installed.")
@pytest.mark.parametrize("kind", KINDS)
def test_verapdf_finds_each_kind_conformant(renderer: Press, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "printed.pdf"
    file.write_bytes(renderer.render(KINDS[kind]).pdf)
    command = ["verapdf", "--flavour", "ua1", "--format", "text", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout[:4]) == (0, "PASS"), told.stdout


def test_the_document_is_marked_as_tagged(opened: Opened) -> None:
    assert bool(opened().Root.MarkInfo.Marked)


def test_the_metadata_claim_pdf_ua_1(opened: Opened) -> None:
    assert b'pdfuaid:part="1"' in opened().Root.Metadata.read_bytes()


def test_the_language_is_the_sheets(opened: Opened) -> None:
    assert str(opened(language="es-US").Root.Lang) == "es-US"


def test_the_window_shows_the_title(opened: Opened) -> None:
    pdf = opened()
    assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
    assert b"Sign-in sheet: Relapse Prevention" in pdf.Root.Metadata.read_bytes()


def test_the_structure_has_one_root_that_knows_where_marked_content_belongs(opened: Opened) -> None:
    tree = opened().Root.StructTreeRoot
    assert [str(child.S) for child in tree.K] == ["/Document"]
    pages_and_their_elements = list(tree.ParentTree.Nums)
    assert [int(page) for page in pages_and_their_elements[::2]] == [0]


def test_each_page_is_read_in_the_order_of_its_structure(opened: Opened) -> None:
    pages = opened(names=[f"Name{i} Z." for i in range(60)]).pages
    assert [(str(page.Tabs), int(page.StructParents)) for page in pages] == [
        ("/S", number) for number in range(len(pages))
    ]


def test_rows_stand_in_a_part_of_a_table_and_cells_in_a_row(opened: Opened) -> None:
    pdf = opened()
    assert {str(row.P.S) for row in structure(pdf, "/TR")} == {"/THead", "/TBody"}
    assert {str(part.P.S) for kind in ("/THead", "/TBody") for part in structure(pdf, kind)} == {"/Table"}
    cells = structure(pdf, "/TH") + structure(pdf, "/TD")
    assert {str(cell.P.S) for cell in cells} == {"/TR"}


def test_who_holds_an_element_is_whom_it_names_as_its_parent(opened: Opened) -> None:
    for row in structure(opened(), "/TR"):
        assert all(cell.P.objgen == row.objgen for cell in row.K)
        assert any(child.objgen == row.objgen for child in row.P.K)


def test_every_font_is_embedded_and_says_which_letters_it_shows(opened: Opened) -> None:
    fonts = [font for page in opened().pages for font in page.Resources.Font.values()]
    assert fonts
    for font in fonts:
        (descendant,) = font.DescendantFonts
        assert {"/FontFile2", "/FontFile3"} & set(descendant.FontDescriptor.keys())
        assert "/ToUnicode" in font


def test_the_group_is_the_heading(opened: Opened) -> None:
    assert len(structure(opened(), "/H1")) == 1


def test_each_row_has_four_cells(opened: Opened) -> None:
    rows = structure(opened(), "/TR")
    assert len(rows) == 1 + 3 + 2
    assert {len(row.K) for row in rows} == {4}


def test_no_cell_spans_columns(opened: Opened) -> None:
    pdf = opened()
    cells = structure(pdf, "/TD") + structure(pdf, "/TH")
    assert not [cell for cell in cells if "/ColSpan" in cell.get("/A", {})]


def test_column_heads_and_names_are_headers_with_their_scope(opened: Opened) -> None:
    scopes = [str(header.A.Scope) for header in structure(opened(), "/TH")]
    assert scopes == ["/Column"] * 4 + ["/Row"] * 3


def test_each_page_has_its_own_header_row(opened: Opened) -> None:
    pdf = opened(names=[f"Name{i} Z." for i in range(60)])
    columns = [header for header in structure(pdf, "/TH") if header.A.Scope == "/Column"]
    assert len(columns) == 4 * len(pdf.Root.Pages.Kids)
    assert len(structure(pdf, "/THead")) == len(structure(pdf, "/Table"))
