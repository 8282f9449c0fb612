"""Which scripts letters belong to, for a warning that names no letter of anybody's name."""

import unicodedata
from collections.abc import Iterable


def scripts_of(letters: Iterable[int]) -> tuple[str, ...]:
    """Name the scripts of code points, sorted: `("CJK", "Devanagari")`."""
    return tuple(sorted({_script(chr(one)) for one in letters}))


def _script(letter: str) -> str:
    # Python knows no scripts, but Unicode begins the names of letters and marks with theirs.
    if not unicodedata.category(letter).startswith(("L", "M")):
        return "symbols"
    script = unicodedata.name(letter, "unnamed").split()[0]
    return script if script == "CJK" else script.capitalize()
