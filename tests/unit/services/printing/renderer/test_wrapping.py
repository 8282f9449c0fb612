"""Nothing is cut: all text stays inside the margins, and all of it is there."""

import pytest

from services.printing.renderer import AttendanceRecord, ChartNote, Press
from shared.events.sheet import Paper
from shared.testing.records import a_session_record
from tests.unit.services.printing.renderer.sheets import a_sheet, laid_out, text_of, texts

LONG_TITLE = ("Mindful living and well-being " * 7)[:200]
UNBROKEN_NAME = "Ña" * 60
MARGIN = 14 / 25.4 * 96
FOUR_MM = 4 / 25.4 * 96
"""What most printers leave white."""


@pytest.mark.rule("PRINT-4")
@pytest.mark.parametrize("paper", list(Paper))
def test_long_titles_and_names_stay_inside_the_margins(renderer: Press, paper: Paper) -> None:
    sheet = a_sheet(group_title=LONG_TITLE, names=[UNBROKEN_NAME], leaders=["L" * 150], paper=paper)
    for width, height, box in texts(laid_out(renderer, sheet)):
        assert box.position_x + box.width <= width - MARGIN + 0.1
        assert box.position_y + box.height <= height


@pytest.mark.rule("PRINT-4")
def test_long_names_stay_in_their_column(renderer: Press) -> None:
    found = texts(laid_out(renderer, a_sheet(names=[UNBROKEN_NAME])))
    signature = next(box.position_x for _, _, box in found if box.text == "Signature")
    lines = [box for _, _, box in found if box.text.startswith(("Ña", "aÑ"))]
    assert len(lines) > 1
    assert all(box.position_x + box.width < signature for box in lines)


@pytest.mark.rule("PRINT-4")
def test_long_titles_and_names_are_printed_whole(renderer: Press) -> None:
    text = text_of(renderer.render(a_sheet(group_title=LONG_TITLE, names=[UNBROKEN_NAME])).pdf)
    title = "".join(LONG_TITLE.split())
    assert text.count(title) == 2, "the heading and the running title"
    assert UNBROKEN_NAME in text


@pytest.mark.rule("PRINT-4")
@pytest.mark.parametrize("paper", list(Paper))
@pytest.mark.parametrize("title", ["漢" * 200, LONG_TITLE, LONG_TITLE.upper()])
def test_the_foot_stays_on_the_paper(renderer: Press, title: str, paper: Paper) -> None:
    name = "María de los Ángeles Guadalupe Concepción " * 10
    record = a_session_record()
    patient = record.participants[0].model_copy(update={"printed_name": name, "mrn": "0" * 64})
    record = record.model_copy(
        update={
            "participants": (patient,),
            "group": record.group.model_copy(update={"title": title}),
            "location": record.location.model_copy(update={"paper": paper}),
        }
    )
    note = ChartNote(record=record, patient_id=patient.patient_id)
    for document in (a_sheet(group_title=title, paper=paper), AttendanceRecord(record=record), note):
        for _, height, box in texts(laid_out(renderer, document)):
            assert box.position_y + box.height <= height - FOUR_MM


def test_an_endless_title_is_short_in_the_footer_and_whole_in_the_heading(renderer: Press) -> None:
    text = text_of(renderer.render(a_sheet(group_title="W" * 600)).pdf)
    assert "W" * 600 in text
    assert "W" * 199 + "…·Monday" in text


@pytest.mark.rule("PRINT-1")
def test_rows_are_tall_enough_to_sign(renderer: Press) -> None:
    document = laid_out(renderer, a_sheet())
    rows = [box for box in document.pages[0]._page_box.descendants() if box.element_tag == "tr"]
    heights_mm = [row.height / 96 * 25.4 for row in rows[1:]]
    assert all(10 <= height <= 11 for height in heights_mm)
