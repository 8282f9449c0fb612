from collections.abc import Callable

import pytest
from pikepdf import Pdf

from shared.events.sheet import Paper
from tests.unit.services.printing.renderer.sheets import page_texts, text_of

Printed = Callable[..., bytes]

POINTS = {Paper.LETTER: (612, 792), Paper.A4: (595, 842)}


@pytest.mark.rule("PRINT-1")
@pytest.mark.parametrize(
    "fact",
    [
        "Riverside Center",
        "Relapse Prevention",
        "Monday, May 5, 2025",
        "6:00 PM – 7:30 PM CDT",  # noqa: RUF001
        "Led by Maria Lopez, LCSW; Tom Reed, LPC",
        "42 CFR Part 2",
    ],
)
def test_the_sheet_says_where_what_when_and_who_leads(printed: Printed, fact: str) -> None:
    assert fact in page_texts(printed())[0]


@pytest.mark.rule("PRINT-1")
def test_names_come_in_the_order_given_and_equal_ones_apart(printed: Printed) -> None:
    assert "1.AnnaK.(1)2.AnnaK.(2)3.ChidiO." in text_of(printed())


@pytest.mark.rule("PRINT-1")
def test_spare_rows_are_numbered_on(printed: Printed) -> None:
    assert "3.ChidiO.4.5.6." in text_of(printed(spare_rows=3))


@pytest.mark.rule("PRINT-1")
def test_a_sheet_may_have_neither_leaders_nor_names_nor_spare_rows(printed: Printed) -> None:
    assert "Led by" not in page_texts(printed(leaders=(), names=(), spare_rows=0))[0]


@pytest.mark.rule("PRINT-4")
def test_each_page_repeats_the_header_row_and_the_running_title(printed: Printed) -> None:
    for page in page_texts(printed(names=[f"Name{i} Z." for i in range(200)])):
        assert "Signature" in page
        assert "Time out" in page
        assert "Relapse Prevention · Monday, May 5, 2025" in page


@pytest.mark.rule("PRINT-4")
def test_each_page_says_which_of_how_many_it_is(printed: Printed) -> None:
    pages = page_texts(printed(names=[f"Name{i} Z." for i in range(200)]))
    assert len(pages) > 1
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page


@pytest.mark.rule("PRINT-4")
def test_two_hundred_names_are_all_there(printed: Printed) -> None:
    names = [f"Name{i}Z." for i in range(1, 201)]
    text = text_of(printed(names=names))
    assert all(f"{number}.{name}" in text for number, name in enumerate(names, start=1))


@pytest.mark.rule("PRINT-4")
@pytest.mark.parametrize("paper", list(Paper))
def test_the_page_has_the_size_asked_for(opened: Callable[..., Pdf], paper: Paper) -> None:
    box = opened(paper=paper).pages[0].mediabox
    assert (round(float(box[2])), round(float(box[3]))) == POINTS[paper]


@pytest.mark.rule("PRINT-4")
@pytest.mark.parametrize("name", ["Zoë K.", "Łukasz Ż.", "Ольга П.", "Νίκος Σ.", "Ezo\u0301\u0323 K."])
def test_names_of_many_scripts_are_printed(printed: Printed, name: str) -> None:
    assert "".join(name.split()) in text_of(printed(names=[name]))
