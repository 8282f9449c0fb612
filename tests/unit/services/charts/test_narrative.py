from xml.etree import ElementTree as ET

from hypothesis import example, given
from hypothesis import strategies as st

from services.charts.fhir.narrative import narrative


@given(st.text())
@example("a\x00b\x0b<script>&amp;\ud800\uffff")
def test_any_text_makes_a_narrative_that_is_xml(text: str) -> None:
    div = ET.fromstring(narrative(text)["div"])  # noqa: S314 - made here
    assert div.tag == "{http://www.w3.org/1999/xhtml}div"
    assert "".join(div.itertext()).strip()


def test_what_was_written_is_not_markup() -> None:
    assert "<script>" not in narrative("<script>alert(1)</script>")["div"]
    assert "None was written." in narrative("", "  ")["div"]
