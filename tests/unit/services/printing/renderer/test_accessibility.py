from collections.abc import Callable

import pikepdf
import pytest

from tests.unit.services.printing.renderer.sheets import structure

pytestmark = pytest.mark.rule("PRINT-4")

Opened = Callable[..., pikepdf.Pdf]


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
