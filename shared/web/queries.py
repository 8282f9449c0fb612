"""Query parameters that a route does not know, or not so often: a typing mistake must not widen a search."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args, get_origin
from urllib.parse import unquote_to_bytes

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from shared.web.problems import InvalidProblem


async def ignore_unknown_queries() -> None:
    """Mark a route whose standard has it ignore what it does not know, as RFC 6749, 3.1 does."""


async def refuse_unknown_queries(request: Request) -> None:
    """Raise `InvalidProblem` that names each parameter that is unknown, or given twice to who takes one."""
    _refuse_unwritable(request)
    route = request.scope.get("route")
    if not request.query_params or not isinstance(route, APIRoute):
        return
    if any(needed.call is ignore_unknown_queries for needed in route.dependant.dependencies):
        return
    repeatable = dict(_parameters(route.dependant))
    given = Counter(name for name, _ in request.query_params.multi_items())
    known = f"known here: {', '.join(sorted(repeatable)) or 'none'}"
    errors = [
        {"pointer": f"query:{name}", "detail": "given more than once" if name in repeatable else known}
        for name, times in sorted(given.items())
        if name not in repeatable or (times > 1 and not repeatable[name])
    ]
    if errors:
        raise InvalidProblem(
            "Some query parameters are not known here, or not so often; see errors.", errors=errors
        )


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


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """Give the name of each parameter, and whether it may be given again."""
    yield from ((field.alias, _is_many(field.field_info.annotation)) for field in dependant.query_params)
    for needed in dependant.dependencies:
        yield from _parameters(needed)


def _is_many(annotation: Any) -> bool:
    return any(get_origin(one) in {list, tuple} for one in (annotation, *get_args(annotation)))
