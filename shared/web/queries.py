"""Query parameters that a route does not know are refused: a typing mistake must not widen a search."""

from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.web.problems import InvalidProblem


async def ignore_unknown_queries() -> None:
    """Mark a route whose standard has it ignore what it does not know, as RFC 6749, 3.1 does."""


async def refuse_unknown_queries(request: Request) -> None:
    """Raise `InvalidProblem` that names each unknown parameter, and the known ones."""
    _refuse_unwritable(request)
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    if any(needed.call is ignore_unknown_queries for needed in route.dependant.dependencies):
        return
    known = set(_names(route.dependant))
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        right = f"known here: {', '.join(sorted(known)) or 'none'}"
        errors = [{"pointer": f"query:{name}", "detail": right} for name in unknown]
        raise InvalidProblem("Some query parameters are not known here; see errors.", errors=errors)


def _refuse_unwritable(request: Request) -> None:
    # What is no UTF-8 would reach the route as other characters than were sent, and PostgreSQL takes no NUL.
    sent = unquote_to_bytes(request.scope["query_string"]) + unquote_to_bytes(
        request.scope.get("raw_path") or b""
    )
    try:
        unwritable = "\x00" in sent.decode()
    except UnicodeDecodeError:
        unwritable = True
    if unwritable:
        raise InvalidProblem("An address is UTF-8 without the NUL character.")


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for needed in dependant.dependencies:
        yield from _names(needed)
