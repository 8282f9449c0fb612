"""A QR code as one SVG path: one box on the page, drawn from nothing but itself."""

from dataclasses import dataclass

import segno


@dataclass(frozen=True, kw_only=True)
class QrCode:
    """What the page draws."""

    link: str
    modules: int
    """Along one side, without the quiet zone."""
    path: str
    """SVG path data; one unit is one module."""


def qr_code(link: str) -> QrCode:
    """Encode an address so that it is still read when a tenth of it is smudged (level M)."""
    rows = tuple(segno.make(link, error="m", micro=False, boost_error=False).matrix)
    path = "".join(_runs(row, y) for y, row in enumerate(rows))
    return QrCode(link=link, modules=len(rows), path=path)


def _runs(row: bytearray, y: int) -> str:
    """Draw each run of dark modules as one rectangle, half a percent taller lest hairlines show."""
    drawn, x = [], 0
    while x < len(row):
        end = x
        while end < len(row) and row[end]:
            end += 1
        if end > x:
            drawn.append(f"M{x} {y}h{end - x}v1.005h-{end - x}z")
        x = max(end, x + 1)
    return "".join(drawn)
