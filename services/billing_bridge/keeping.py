"""What is kept of another side's words: no secret, nothing that a database or a terminal can't take."""

from collections.abc import Collection
from typing import Final

MASK: Final = "[hidden]"
RECEIPT_CHARACTERS_AT_MOST: Final = 200


def kept(body: bytes, hidden: Collection[str]) -> str:
    """Read an answer as text, without what has to be hidden."""
    text = storable(body.decode("utf-8", errors="replace"))
    for secret in filter(None, hidden):
        text = text.replace(secret, MASK)
    return text


def storable(text: str) -> str:
    """Take out control characters: PostgreSQL takes no NUL, and others could forge lines on a terminal."""
    # HL7 ends its segments by a carriage return: of each answer every line has one.
    lines = text.replace("\r", " ").split("\n")
    return "\n".join(one if one.isprintable() else _printable(one) for one in lines)


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)
