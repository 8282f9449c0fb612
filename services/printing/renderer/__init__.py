"""Turns a `SignInSheet` into PDF bytes; the one thing in this service that knows WeasyPrint."""

from services.printing.renderer.printed_facts import UnknownTimeZoneError, content_hash
from services.printing.renderer.sheet_renderer import SheetRenderer

__all__ = ["SheetRenderer", "UnknownTimeZoneError", "content_hash"]
