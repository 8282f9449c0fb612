"""Texts of a note as FHIR takes them: strings without control characters, narratives as XHTML."""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

_UNTAKEN: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")


def taken(text: str) -> str:
    """Give text as FHIR and XML take it: what both forbid becomes U+FFFD."""
    return _UNTAKEN.sub("\N{REPLACEMENT CHARACTER}", text)


def narrative(*lines: str) -> dict[str, Any]:
    """Give lines as a Narrative, each kept as it is written; an empty one is said to be empty."""
    shown = "".join(
        f'<p style="white-space: pre-wrap">{escape(taken(line))}</p>' for line in lines if line.strip()
    )
    div = shown or "<p>None was written.</p>"
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>'}


def section(title: str, *lines: str) -> dict[str, Any]:
    """Give a section of a Composition."""
    return {"title": title, "text": narrative(*lines)}


def signed_lines(signatures: Iterable[Mapping[str, Any]]) -> list[str]:
    """Show signatures as 21 CFR 11.50 wants them: printed name, date and time, meaning (SIGN-4)."""
    return [
        f"{with_credentials(one)}, {one['meaning']}, signed {one['signed_at']}; "
        f"SHA-256 of what was signed: {one['document_sha256']}"
        for one in signatures
    ]


def with_credentials(person: Mapping[str, Any]) -> str:
    """Give a printed name with its credentials."""
    name, credentials = person["printed_name"], person["credentials"]
    return taken(f"{name}, {credentials}" if credentials else name)
