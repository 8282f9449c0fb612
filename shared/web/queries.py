"""Query parameters that a route does not know are refused: a typing mistake must not widen a search."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.web.problems import InvalidProblem


async def refuse_unknown_queries(request: Request) -> None:
    """Raise `InvalidProblem` that names each unknown parameter, and the known ones."""
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    known = set(_names(route.dependant))
    unknown = sorted(set(request.query_params) - known)
    if unknown:
        right = f"known here: {', '.join(sorted(known)) or 'none'}"
        errors = [{"pointer": f"query:{name}", "detail": right} for name in unknown]
        raise InvalidProblem("Some query parameters are not known here; see errors.", errors=errors)


def _names(dependant: Dependant) -> Iterator[str]:
    yield from (field.alias for field in dependant.query_params)
    for needed in dependant.dependencies:
        yield from _names(needed)
