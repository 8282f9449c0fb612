"""Paper by WeasyPrint, with all that can be kept between documents kept."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import fromstring

import pydyf
from cssselect2 import ElementWrapper
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from weasyprint import CSS, HTML, Document
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from services.printing.renderer.documents import AttendanceRecord, ChartNote, Printable, PrintedPdf
from services.printing.renderer.printed_facts import PrintedFacts
from services.printing.renderer.record_facts import NoteFacts, RecordFacts
from services.printing.renderer.scripts import scripts_of
from services.printing.renderer.table_tags import complete_table_tags
from services.printing.renderer.wording import direction
from shared.events.sheet import Paper, SignInSheet

ASSETS: Final = Path(__file__).parent / "assets"
TEMPLATES: Final = ("sheet", "record", "note")


class FetchRefusedError(ValueError):
    """A page asked for something outside itself; nothing was fetched and it is printed without."""


class RefusingFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Fetches nothing, from no disk and no network: a page is complete in itself.

    One for the process, as WeasyPrint otherwise builds an SSL context for each document.
    """

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:  # noqa: ARG002
        raise FetchRefusedError(f"a printed page may not fetch {url!r}")


class StyledPage(HTML):  # type: ignore[misc]  # WeasyPrint has no types
    """A page styled from the ground up, as matching WeasyPrint's sheet for all of HTML takes a tenth more."""

    def __init__(self, *, markup: str, elements: CSS, fetcher: URLFetcher) -> None:
        # Not by WeasyPrint's parser, which is written in Python and made for any page of the web: ours are
        # well-formed. So nothing of the parent's `__init__` is left to do.
        root = fromstring(markup)  # noqa: S314 - a template of ours, all facts in it escaped
        self.base_url = None
        self.url_fetcher = fetcher
        self.media_type = "print"
        self.wrapper_element = ElementWrapper.from_html_root(root, content_language=None)
        self.etree_element = self.wrapper_element.etree_element
        self._elements = elements

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:  # noqa: ARG002, FBT001, FBT002
        return [self._elements]


@dataclass(frozen=True, kw_only=True)
class Part:
    """Pages that are counted by themselves: one sheet, one record, one note."""

    template: str
    paper: str
    facts: dict[str, Any]


@dataclass(kw_only=True)
class Finishing:
    """The last step of a PDF: complete its tags, and see which letters no font had."""

    missing: set[int] = field(default_factory=set)

    def __call__(self, document: Document, pdf: pydyf.PDF) -> None:
        complete_table_tags(pdf)
        self.missing.update(letter for font in document.fonts.values() for letter in font.missing)


class Press:
    """Prints sheets, records and notes (PRINT-1 to PRINT-4); build one per process, use it from one thread.

    Pango corrupts its heap when threads share it. A worker that forks does so after a first render,
    so that its children share the fonts that it loaded.
    """

    def __init__(self, *, session_link: str | None = None) -> None:
        environment = Environment(
            loader=FileSystemLoader(ASSETS),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.filters["direction"] = direction
        self.session_link = session_link
        self._templates = {name: environment.get_template(f"{name}.html.jinja") for name in TEMPLATES}
        self._fetcher = RefusingFetcher()
        self._fonts = FontConfiguration()
        self._elements = self._stylesheet("elements.css")
        page = self._stylesheet("page.css")
        self._styles = {
            (name, paper.value): [page, self._stylesheet(f"{name}.css"), self._paper(paper)]
            for name in TEMPLATES
            for paper in Paper
        }

    def render(self, document: Printable) -> PrintedPdf:
        """Print a document as PDF/UA-1; the same document gives the same bytes.

        Raises `UnknownTimeZoneError`.
        """
        laid_out = [self.lay_out(part) for part in self.parts(document)]
        whole = laid_out[0]
        if len(laid_out) > 1:
            # Each has numbered its own pages already.
            whole = whole.copy([page for one in laid_out for page in one.pages])
        finishing = Finishing()
        pdf: bytes = whole.write_pdf(pdf_variant="pdf/ua-1", finisher=finishing)
        return PrintedPdf(
            pdf=pdf,
            scripts_without_font=scripts_of(finishing.missing),
            letters_without_font=len(finishing.missing),
        )

    def parts(self, document: Printable) -> Iterator[Part]:
        """Put a document into words, each part of it by itself."""
        if isinstance(document, AttendanceRecord):
            record = RecordFacts.of(document)
            yield Part(template="record", paper=record.session.paper, facts={"record": record})
        elif isinstance(document, ChartNote):
            note = NoteFacts.of(document)
            yield Part(template="note", paper=note.session.paper, facts={"note": note})
        elif isinstance(document, SignInSheet):
            yield self._sheet(document)
        else:
            yield from map(self._sheet, document.sheets)

    def markup(self, part: Part) -> str:
        """Give a part before layout, with every fact escaped."""
        return self._templates[part.template].render(part.facts)

    def lay_out(self, part: Part) -> Document:
        """Give a part with everything at its place."""
        page = StyledPage(markup=self.markup(part), elements=self._elements, fetcher=self._fetcher)
        return page.render(font_config=self._fonts, stylesheets=self._styles[part.template, part.paper])

    def _sheet(self, sheet: SignInSheet) -> Part:
        facts = PrintedFacts.of(sheet, session_link=self.session_link)
        return Part(template="sheet", paper=facts.paper, facts={"sheet": facts})

    def _stylesheet(self, name: str) -> CSS:
        styles = (ASSETS / name).read_text("utf-8")
        return CSS(string=styles, url_fetcher=self._fetcher, font_config=self._fonts)

    def _paper(self, paper: Paper) -> CSS:
        return CSS(string=f"@page {{ size: {paper.value} }}", url_fetcher=self._fetcher)
