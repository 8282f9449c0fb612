from collections.abc import Callable
from io import BytesIO
from xml.etree.ElementTree import ParseError

import pikepdf
import pytest

from services.printing.renderer import Press
from services.printing.renderer.press import FetchRefusedError, RefusingFetcher
from tests.unit.services.printing.renderer.sheets import a_sheet, text_of

Printed = Callable[..., bytes]

HOSTILE = [
    '<img src="file:///etc/passwd">',
    '<link rel="stylesheet" href="http://127.0.0.1/a.css">',
    "<style>*{display:none}@import url(file:///etc/passwd)</style>",
    '</td></tr></table><h1 style="background:url(http://127.0.0.1/)">',
    "\"'><script>alert(1)</script>{{ 7*7 }}{% include '/etc/passwd' %}",
    "&lt;b&gt; \\A url(file:///etc/hosts)",
]


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    urls: list[str] = []
    monkeypatch.setattr(RefusingFetcher, "fetch", lambda _self, url, _headers=None: urls.append(url))
    return urls


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["group_title", "location_name"])
def test_markup_in_a_title_is_printed_as_it_stands(
    printed: Printed, fetched: list[str], place: str, text: str
) -> None:
    assert "".join(text.split()) in text_of(printed(**{place: text}))
    assert fetched == []


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("place", ["names", "leaders"])
def test_markup_in_a_name_is_printed_as_it_stands(
    printed: Printed, fetched: list[str], place: str, text: str
) -> None:
    assert "".join(text.split()) in text_of(printed(**{place: [text]}))
    assert fetched == []


@pytest.mark.parametrize("language", ['en"><base href="http://127.0.0.1/">', "en' onload='x", "\0"])
def test_a_hostile_language_fetches_nothing(printed: Printed, fetched: list[str], language: str) -> None:
    assert "RiversideCenter" in text_of(printed(language=language))
    assert fetched == []


def test_control_characters_leave_text_and_metadata_readable(printed: Printed) -> None:
    pdf = printed(group_title="Grief\x0b\0 and\r\nloss\ufffe", names=["Ann\x07 K."])
    assert "Griefandloss" in text_of(pdf)
    with pikepdf.open(BytesIO(pdf)) as document, document.open_metadata() as metadata:
        assert "Grief" in metadata["dc:title"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1/", "data:text/css,*{}", "x:y"])
def test_the_fetcher_refuses_everything(url: str) -> None:
    with pytest.raises(FetchRefusedError):
        RefusingFetcher().fetch(url)


def test_markup_that_broke_the_page_is_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = Press()
    monkeypatch.setattr(renderer, "markup", lambda _part: "<html><p></html>")
    with pytest.raises(ParseError):
        renderer.render(a_sheet())


def test_even_markup_that_got_through_could_fetch_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    renderer = Press()
    leaky = '<html lang="en"><title>x</title><img alt="x" src="file:///etc/passwd"/></html>'
    monkeypatch.setattr(renderer, "markup", lambda _part: leaky)
    renderer.render(a_sheet())
    assert "FetchRefusedError" in caplog.text
