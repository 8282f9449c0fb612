from io import BytesIO

import pytest
from pypdf import PdfReader

from services.printing.pages import UncountablePagesError, count_pages
from services.printing.renderer import Press
from tests.unit.services.printing.renderer.sheets import a_sheet


@pytest.mark.parametrize("patients", [1, 40, 200])
def test_the_count_is_what_another_reader_counts(patients: int) -> None:
    pdf = Press().render(a_sheet(names=tuple(f"Anna {number}." for number in range(patients)))).pdf
    assert count_pages(pdf) == len(PdfReader(BytesIO(pdf)).pages)


def test_what_is_no_pdf_of_ours_has_no_count() -> None:
    with pytest.raises(UncountablePagesError):
        count_pages(b"%PDF-1.7 nothing")
