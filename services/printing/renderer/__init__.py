"""Turns what is to be printed into PDF bytes; the one thing in this service that knows WeasyPrint."""

from services.printing.renderer.documents import AttendanceRecord, ChartNote, Printable, PrintedPdf
from services.printing.renderer.press import Press
from services.printing.renderer.printed_facts import content_hash
from services.printing.renderer.wording import UnknownTimeZoneError

__all__ = [
    "AttendanceRecord",
    "ChartNote",
    "Press",
    "Printable",
    "PrintedPdf",
    "UnknownTimeZoneError",
    "content_hash",
]
