"""Completes the tags of tables for screen readers (PDF/UA-1, ISO 32000-1 14.8.5.7).

Boxes are what a render costs, and three cells of each row of a sign-in sheet are blank paper. They have
no box of their own: the name's box reaches over them and a ruled background shows them. Here they join the
structure tree, so that a screen reader walks a whole table, each column with its header.
"""

from typing import Any

import pydyf

Element = Any
"""A structure element of the PDF: pydyf's dictionary, which has no types."""


def complete_table_tags(pdf: pydyf.PDF) -> None:
    """Give each header its scope, and each row as many cells as its header row has."""
    columns = 0
    for row in [entry for entry in pdf.objects if _is_row(entry)]:
        cells = [_at(pdf, reference) for reference in row["K"]]
        is_head = _at(pdf, row["P"])["S"] == "/THead"
        if is_head:
            columns = len(cells)  # rows come in reading order: those below follow it
        for cell in cells:
            _describe(cell, "/Column" if is_head else "/Row")
        for _ in range(columns - len(cells)):
            _add_blank_cell(pdf, row)


def _at(pdf: pydyf.PDF, reference: bytes) -> Element:
    return pdf.objects[int(reference.split()[0])]


def _is_row(entry: object) -> bool:
    return isinstance(entry, pydyf.Dictionary) and entry.get("S") == "/TR"


def _describe(cell: Element, scope: str) -> None:
    attributes = cell["A"]
    attributes.pop("ColSpan", None)  # the box spans, the cell does not
    attributes.pop("Headers", None)  # the scopes say it in a fifth of the bytes
    if cell["S"] == "/TH":
        attributes["Scope"] = scope


class BlankCell(pydyf.Object):  # type: ignore[misc]  # pydyf has no types
    """A cell without content, written at once: three for each row are half of the tags of a sheet."""

    def __init__(self, row: Element) -> None:
        super().__init__()
        self._written = b"<</Type /StructElem/S /TD/K []/Pg %b/P %b>>" % (row["Pg"], row.reference)

    @property
    def data(self) -> bytes:
        return self._written


def _add_blank_cell(pdf: pydyf.PDF, row: Element) -> None:
    cell = BlankCell(row)
    pdf.add_object(cell)
    row["K"].append(cell.reference)
