"""A cast of sheets, and what can be read back from the PDF of one."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from uuid import UUID

import pikepdf
from pypdf import PdfReader
from weasyprint import Document
from weasyprint.formatting_structure.boxes import TextBox

from services.printing.renderer import Press, Printable
from shared.events.sheet import SignInSheet

LINK = "https://clinic.example/groups/{session_id}"

EVENING_GROUP: dict[str, Any] = {
    "job_id": UUID(int=1),
    "session_id": UUID(int=2),
    "location_name": "Riverside Center",
    "time_zone": "America/Chicago",
    "group_title": "Relapse Prevention",
    "starts_at": datetime(2025, 5, 5, 23, tzinfo=UTC),
    "duration_minutes": 90,
    "leaders": ("Maria Lopez, LCSW", "Tom Reed, LPC"),
    "names": ("Anna K. (1)", "Anna K. (2)", "Chidi O."),
    "spare_rows": 2,
}


def a_sheet(**facts: Any) -> SignInSheet:
    """Monday evening in Chicago, three patients and two spare rows, but for `facts`."""
    return SignInSheet(**{**EVENING_GROUP, **facts})


def page_texts(pdf: bytes) -> list[str]:
    """The text of each page, in reading order."""
    return [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]


def text_of(pdf: bytes) -> str:
    """The text of all pages without white space, as wrapping puts some anywhere."""
    return "".join("".join(page_texts(pdf)).split())


def laid_out(renderer: Press, document: Printable) -> Document:
    """The first part of a document with everything at its place."""
    part = next(renderer.parts(document))
    return renderer.lay_out(part)


def texts(document: Document) -> list[tuple[float, float, TextBox]]:
    """Each run of text with its page's width and height, in CSS pixels."""
    return [
        (page.width, page.height, box)
        for page in document.pages
        for box in page._page_box.descendants(placeholders=True)
        if isinstance(box, TextBox)
    ]


def structure(pdf: pikepdf.Pdf, kind: str) -> list[pikepdf.Dictionary]:
    """All structure elements of one kind (`"/TH"`), in reading order."""
    return [entry for entry in _walk(pdf.Root.StructTreeRoot) if entry.get("/S") == kind]


def _walk(element: Any) -> list[pikepdf.Dictionary]:
    kids = element.get("/K", [])
    kids = kids if isinstance(kids, pikepdf.Array) else [kids]
    below = [found for kid in kids if isinstance(kid, pikepdf.Dictionary) for found in _walk(kid)]
    return [element, *below]
