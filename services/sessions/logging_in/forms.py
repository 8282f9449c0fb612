"""Requests and refusals of OAuth 2.0, which are forms and not JSON (RFC 6749)."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from fastapi import Request, Response

from shared.web.bodies import json_response
from shared.web.shapes import UNSTORABLE

FORM: Final = "application/x-www-form-urlencoded"
FIELDS_AT_MOST: Final = 20
CHARACTERS_AT_MOST: Final = 10_000


class OAuthError(Exception):
    """A refusal of the token endpoint, with the code of RFC 6749, 5.2."""

    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.description, self.status = code, description, status

    def response(self) -> Response:
        """Give the answer."""
        return json_response({"error": self.code, "error_description": self.description}, status=self.status)


async def form_of(request: Request) -> Mapping[str, str]:
    """Read a form; raises `OAuthError` for another body, and for a field that comes twice (RFC 6749, 3.2)."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthError("invalid_request", f"The body has to be {FORM}.")
    return fields_of((await request.body()).decode("latin-1"))


def fields_of(text: str) -> Mapping[str, str]:
    """Read what a form or a query says; raises `OAuthError`."""
    try:
        if len(text) > CHARACTERS_AT_MOST:
            raise ValueError  # noqa: TRY301 - as what the parser finds wrong
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_AT_MOST, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The form can't be read.") from None
    fields = dict(pairs)
    if len(fields) < len(pairs) or any(UNSTORABLE.search(value) for value in fields.values()):
        raise OAuthError("invalid_request", "A field comes twice, or holds what is no text.")
    return fields


def needed(form: Mapping[str, str], name: str) -> str:
    """Give a field; raises `OAuthError` where it is missing."""
    if not form.get(name):
        raise OAuthError("invalid_request", f"The form needs {name}.")
    return form[name]
