"""Text that is safe inside a field: whatever it holds, it parts nothing and ends nothing."""

import re
from typing import Final

SEGMENT_END: Final = "\r"
FIELD, COMPONENT, REPETITION, ESCAPE, SUBCOMPONENT = "|", "^", "~", "\\", "&"

_LETTERS: Final = {FIELD: "F", COMPONENT: "S", REPETITION: "R", ESCAPE: "E", SUBCOMPONENT: "T"}
_TABLE: Final = str.maketrans(
    # Control characters would end segments and frames: they travel as hexadecimal.
    {chr(code): f"{ESCAPE}X{code:02X}{ESCAPE}" for code in (*range(0x20), 0x7F)}
    | {letter: f"{ESCAPE}{name}{ESCAPE}" for letter, name in _LETTERS.items()}
)
_TO_ESCAPE: Final = re.compile("[" + re.escape("".join(map(chr, _TABLE))) + "]")


def escaped(text: str) -> str:
    """Write text so that a receiver reads it back as it is (HL7 2.5.1, chapter 2.7)."""
    # Hardly any text holds what has to be escaped, and to look is much cheaper than to translate.
    return text.translate(_TABLE) if _TO_ESCAPE.search(text) else text
