"""Texts as names are compared in them: case, diacritics and the form of Unicode do not matter (DIST-3)."""

# ruff: noqa: RUF001 - letters and signs of other scripts are the subject of this file

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

_ALONE: Final = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Thai, Lao, Burmese, Khmer, kana, Han and Hangul: no space between words, or endings written onto them."""

ELEMENT: Final = re.compile(
    # Vowel signs of Indic scripts are no letters to `re`; U+0964 and U+0965 are full stops.
    rf"[{_ALONE}]|(?:(?![{_ALONE}])[^\W_]|[\u0900-\u0963\u0966-\u0dff])+"
)
"""A word, or one character of a script whose words do not stand apart."""

WITHIN_A_NAME: Final = re.compile(r"[\s.'’ʼ`´\-‐‑–·・]*")
"""What may stand between two elements of one name; a comma or a bracket ends it."""

_MARKS: Final = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")
"""Diacritics of Latin, Greek and Cyrillic, points of Hebrew and Arabic, and the stretching tatweel."""

_PLAIN: Final = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
    | {"ى": "ي", "ی": "ي", "ک": "ك", "ة": "ه"}
)
"""Letters that Unicode does not take apart, and that are written in two ways."""

_ATTACHED: Final = (
    *("ו", "ב", "כ", "ל", "מ", "ש", "ה", "וב", "וכ", "ול", "ומ", "וש", "וה", "של", "שב", "שה"),
    *("و", "ف", "ب", "ك", "ل", "ال", "وال", "بال", "فال", "كال", "لل", "ول", "وب", "ولل"),
)
"""Hebrew and Arabic write `and`, `to`, `with` and `the` onto the word."""

_LETTERS_LEFT_AT_LEAST: Final = 2

_UNSEEN: Final = re.compile(
    "[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffb]"
)
"""Soft hyphens, joiners, marks of direction: they show nothing, and cut a name in two."""

_GLUED: Final = re.compile(r"(?<=[a-z\u00df-\u00f6\u00f8-\u00ff])(?=[A-Z\u00c0-\u00d6\u00d8-\u00de])")
"""Where `AnnaK` and `AnnaKowalski` are two names."""

_LIKE_LATIN: Final = str.maketrans(
    "АВСЕНІЈКМОРЅТХУасеіјкорѕхуһΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορτυχ",
    "ABCEHIJKMOPSTXYaceijkopsxyhABEZHIKMNOPTYXaikvoptux",
)
"""Cyrillic and Greek letters that look like Latin ones."""

_OF_TWO_SCRIPTS: Final = re.compile(
    r"[^\W_]*(?:[A-Za-z\u00c0-\u024f][^\W_]*[\u0370-\u052f]|[\u0370-\u052f][^\W_]*[A-Za-z\u00c0-\u024f])[^\W_]*"
)
"""A word that no language writes so."""


def fold(text: str) -> str:
    """Give the form in which two spellings of one name are equal."""
    if text.isascii():
        return text.lower()
    seen = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    in_one_script = _OF_TWO_SCRIPTS.sub(lambda word: word[0].translate(_LIKE_LATIN), seen)
    apart = unicodedata.normalize("NFKD", in_one_script.casefold())
    return unicodedata.normalize("NFC", _MARKS.sub("", apart)).translate(_PLAIN)


def foldings(text: str) -> set[str]:
    """Give the forms of a text in which names are looked for: as it looks, and cut where it may be cut.

    What is unseen may stand inside of a word or between two; a capital after a small letter begins one.
    """
    return {fold(text), fold(_UNSEEN.sub(" ", text)), fold(_GLUED.sub(" ", _UNSEEN.sub("", text)))}


def elements(folded: str) -> tuple[str, ...]:
    """Cut a folded name into its words, or characters."""
    return tuple(ELEMENT.findall(folded))


def stands_alone(element: str) -> bool:
    """Whether it is a character of a script whose words do not stand apart."""
    return re.fullmatch(f"[{_ALONE}]", element) is not None


def words_of(name: str) -> list[str]:
    """Cut a name where its parts are names of their own: `Mary Ann`, `Smith-Jones`, but not `O'Brien`."""
    return [word for word in re.split(r"[\s\-‐‑–]+", name) if word]


def readings(word: str) -> Iterator[str]:
    """Give the word, and what is left of it without what Hebrew and Arabic attach."""
    yield word
    if "\u05d0" <= word[0] <= "\u06ff":
        for attached in _ATTACHED:
            if word.startswith(attached) and len(word) >= len(attached) + _LETTERS_LEFT_AT_LEAST:
                yield word[len(attached) :]
