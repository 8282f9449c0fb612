"""Names in any script. None of these tests depends on which fonts a machine has."""

import pytest

from services.printing.renderer import ChartNote, Press
from services.printing.renderer.scripts import scripts_of
from services.printing.renderer.wording import direction, marked, one_line, several_lines
from shared.testing.records import a_session_record
from tests.unit.services.printing.renderer.sheets import a_sheet, laid_out, texts

pytestmark = pytest.mark.rule("PRINT-4")

OF_NO_FONT = "\U000f1234"
"""Of a private use area: no font has it."""

NAMES = [
    "محمد ع.",
    "שרה ל.",
    "王小明 L.",
    "नेहा श.",
    "Nguyễn Thị Ánh T.",
    "Ezo\u0301\u0323 K.",
    "\u202eevil\x00\x0b K.",
    "😀 K.",
    f"{OF_NO_FONT} K.",
]


@pytest.mark.parametrize("name", NAMES)
def test_no_name_keeps_the_others_from_the_sheet(renderer: Press, name: str) -> None:
    sheet = a_sheet(names=[name, "Chidi O."])
    assert any("Chidi O." in box.text for _, _, box in texts(laid_out(renderer, sheet)))
    assert renderer.render(sheet).pdf.startswith(b"%PDF-1.7")


def test_letters_that_no_font_has_are_told_by_their_script(renderer: Press) -> None:
    printed = renderer.render(a_sheet(names=[f"{OF_NO_FONT}{OF_NO_FONT} K.", "Chidi O."]))
    assert (printed.scripts_without_font, printed.letters_without_font) == (("symbols",), 1)


def test_what_is_missing_on_one_sheet_is_not_told_of_the_next(renderer: Press) -> None:
    renderer.render(a_sheet(names=[OF_NO_FONT]))
    assert renderer.render(a_sheet()).scripts_without_font == ()


@pytest.mark.parametrize("name", ["محمد ع.", "שרה ל.", "محمد ع. (2)"])
def test_a_stop_after_an_arabic_or_hebrew_initial_stays_with_it(name: str) -> None:
    assert marked(name) == f"{name}\N{RIGHT-TO-LEFT MARK}"


@pytest.mark.parametrize("name", ["Anna K. (1)", "محمد K.", "伟", "(1)", ""])
def test_a_name_that_ends_in_other_letters_stays_as_it_is(name: str) -> None:
    assert marked(name) == name


def test_the_mark_is_no_letter_that_a_font_could_lack(renderer: Press) -> None:
    assert renderer.render(a_sheet(names=["Anna K.\N{RIGHT-TO-LEFT MARK}"])).letters_without_font == 0


def test_scripts_are_named_and_letters_are_not() -> None:
    assert scripts_of(map(ord, "王明नेع\u0301😀")) == ("Arabic", "CJK", "Combining", "Devanagari", "symbols")


@pytest.mark.parametrize("turn", ["\u202e", "\u2066", "\u202a"])
def test_no_letter_turns_the_facts_beside_it(turn: str) -> None:
    assert one_line(f"{turn}Anna") == several_lines(f"{turn}Anna") == "Anna"


def test_line_separators_end_lines_where_there_may_be_several() -> None:
    assert (one_line("a\u2028b"), several_lines("a\u2029b")) == ("a b", "a\nb")


@pytest.mark.parametrize(
    ("text", "way"), [("(1) שלום, Anna", "rtl"), ("Anna: שלום", "ltr"), ("123 …", "ltr"), ("", "ltr")]
)
def test_a_text_runs_as_its_first_letter_does(text: str, way: str) -> None:
    assert direction(text) == way


def test_a_text_from_right_to_left_starts_at_the_right(renderer: Press) -> None:
    record = a_session_record(description="המטופל אמר (3 פעמים). טוב!")
    note = ChartNote(record=record, patient_id=record.participants[0].patient_id)
    (line,) = [box for _, _, box in texts(laid_out(renderer, note)) if "המטופל" in box.text]
    (topic,) = [box for _, _, box in texts(laid_out(renderer, note)) if box.text == record.topic]
    assert line.position_x > topic.position_x + topic.width


def test_the_mark_of_a_title_stays_with_it(renderer: Press) -> None:
    (title, foot) = [
        box.text
        for _, _, box in texts(laid_out(renderer, a_sheet(group_title="קבוצת תמיכה (ב)?")))
        if "קבוצת" in box.text
    ]
    assert title.endswith("?\N{RIGHT-TO-LEFT MARK}")
    assert "?\N{RIGHT-TO-LEFT MARK} · " in foot
