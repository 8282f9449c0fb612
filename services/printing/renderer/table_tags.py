"""Completes the tags of the sign-in table for screen readers (PDF/UA-1, ISO 32000-1 14.8.5.7).

Boxes are what a render costs, and three cells of each row are blank paper. They have no box of their
own: the name's box reaches over them and a ruled background shows them. Here they join the structure
tree, so that a screen reader walks a whole table of five columns, each with its header.
"""

from typing import Any

import pydyf
from weasyprint import Document

COLUMNS = 5

Element = Any
"""A structure element of the PDF: pydyf's dictionary, which has no types."""


def complete_table_tags(_document: Document, pdf: pydyf.PDF) -> None:
    """Give each header its scope and each row its five cells; a WeasyPrint finisher."""
    for row in [entry for entry in pdf.objects if _is_row(entry)]:
        cells = [pdf.objects[int(reference.split()[0])] for reference in row["K"]]
        scope = "/Column" if len(cells) == COLUMNS else "/Row"
        for cell in cells:
            _describe(cell, scope)
        for _ in range(COLUMNS - len(cells)):
            _add_blank_cell(pdf, row)


def _is_row(entry: object) -> bool:
    return isinstance(entry, pydyf.Dictionary) and entry.get("S") == "/TR"


def _describe(cell: Element, scope: str) -> None:
    attributes = cell["A"]
    attributes.pop("ColSpan", None)  # the box spans, the cell does not
    attributes.pop("Headers", None)  # the scopes say it in a fifth of the bytes
    if cell["S"] == "/TH":
        attributes["Scope"] = scope


def _add_blank_cell(pdf: pydyf.PDF, row: Element) -> None:
    cell = pydyf.Dictionary(
        {"Type": "/StructElem", "S": "/TD", "K": pydyf.Array(), "Pg": row["Pg"], "P": row.reference}
    )
    pdf.add_object(cell)
    row["K"].append(cell.reference)
