"""Sign-in sheets by WeasyPrint, with all that can be kept between sheets kept."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from services.printing.renderer.printed_facts import PrintedFacts
from services.printing.renderer.table_tags import complete_table_tags
from shared.events.sheet import Paper, SignInSheet

ASSETS = Path(__file__).parent / "assets"


class FetchRefusedError(ValueError):
    """A sheet asked for something outside itself; nothing was fetched and the sheet is printed without."""


class RefusingFetcher(URLFetcher):  # type: ignore[misc]  # WeasyPrint has no types
    """Fetches nothing, from no disk and no network: a sheet is complete in itself.

    One for the process, as WeasyPrint otherwise builds an SSL context for each sheet.
    """

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> Any:  # noqa: ARG002
        raise FetchRefusedError(f"a sign-in sheet may not fetch {url!r}")


class SheetPage(HTML):  # type: ignore[misc]  # WeasyPrint has no types
    """A page styled from the ground up, as matching WeasyPrint's sheet for all of HTML takes a tenth more."""

    def __init__(self, *, markup: str, elements: CSS, fetcher: URLFetcher) -> None:
        super().__init__(string=markup, url_fetcher=fetcher)
        self._elements = elements

    def _ua_stylesheets(self, forms: bool = False) -> list[CSS]:  # noqa: ARG002, FBT001, FBT002
        return [self._elements]


class SheetRenderer:
    """Renders sign-in sheets (PRINT-1, PRINT-4); build one per process, use it from one thread.

    Pango corrupts its heap when threads share it. A worker that forks does so after a first render,
    so that its children share the fonts that it loaded.
    """

    def __init__(self) -> None:
        environment = Environment(
            loader=FileSystemLoader(ASSETS),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("sheet.html.jinja")
        self._fetcher = RefusingFetcher()
        self._fonts = FontConfiguration()
        self._elements = self._stylesheet("elements.css")
        sheet = self._stylesheet("sheet.css")
        self._styles = {paper: [sheet, self._paper(paper)] for paper in Paper}

    def render(self, sheet: SignInSheet) -> bytes:
        """Return the sheet as PDF/UA-1; the same sheet gives the same bytes.

        Raises `UnknownTimeZoneError`.
        """
        page = SheetPage(markup=self.markup(sheet), elements=self._elements, fetcher=self._fetcher)
        pdf: bytes = page.write_pdf(
            font_config=self._fonts,
            stylesheets=self._styles[sheet.paper],
            pdf_variant="pdf/ua-1",
            finisher=complete_table_tags,
        )
        return pdf

    def markup(self, sheet: SignInSheet) -> str:
        """Return the page before layout, with every fact escaped."""
        return self._template.render(sheet=PrintedFacts.of(sheet))

    def _stylesheet(self, name: str) -> CSS:
        styles = (ASSETS / name).read_text("utf-8")
        return CSS(string=styles, url_fetcher=self._fetcher, font_config=self._fonts)

    def _paper(self, paper: Paper) -> CSS:
        return CSS(string=f"@page {{ size: {paper.value} }}", url_fetcher=self._fetcher)
