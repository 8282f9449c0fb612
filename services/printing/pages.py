"""How many pages a PDF of ours has, as it says itself."""

import re
import zlib
from typing import Final

_PACKED_OBJECTS: Final = re.compile(rb"/Type /ObjStm[^>]*>>\s*stream\r?\n")
_PAGE_TREE: Final = re.compile(rb"/Type /Pages\s*/Kids \[[^\]]*\]\s*/Count (\d+)")


class UncountablePagesError(Exception):
    """The PDF has no page tree of the form that the renderer writes: the renderer has changed."""


def count_pages(pdf: bytes) -> int:
    """Read the count in the page tree (ISO 32000-1 §7.7.3.2); raises `UncountablePagesError`."""
    packed = _PACKED_OBJECTS.search(pdf)
    objects = zlib.decompressobj().decompress(pdf[packed.end() :]) if packed else pdf
    tree = _PAGE_TREE.search(objects)
    if tree is None:
        raise UncountablePagesError
    return int(tree.group(1))
