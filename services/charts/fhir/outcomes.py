"""Refusals as FHIR tells them: OperationOutcome instead of a problem."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from services.charts.fhir.codes import MEDIA_TYPE
from shared.web.bodies import json_bytes
from shared.web.description import REFUSED
from shared.web.problems import InvalidProblem, Problem, malformed_problem

ISSUE_CODES: Final[Mapping[int, str]] = {400: "invalid", 403: "forbidden", 404: "not-found"}

OUTCOME: Final[dict[str, Any]] = {
    "type": "object",
    "title": "OperationOutcome",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {"type": "array", "minItems": 1, "items": {"type": "object"}},
    },
}
REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    # Who has no token, or comes with another verb, does not get as far as FHIR.
    "4XX": REFUSED | {"content": {**REFUSED["content"], MEDIA_TYPE: {"schema": OUTCOME}}}
}


class FhirResponse(Response):
    """A resource; it is health data, and no cache may keep it."""

    media_type = MEDIA_TYPE

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Add what every answer has."""
        super().init_headers({"Cache-Control": "no-store", **(headers or {})})


class FhirRoute(APIRoute):
    """A route whose refusals are OperationOutcomes."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler of the framework."""
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                return outcome_response(problem)
            except RequestValidationError as error:
                return outcome_response(malformed_problem(error))

        return answered


def outcome_response(problem: Problem) -> Response:
    """Give the answer of a problem: one issue, or one for each place that is wrong."""
    places, status = problem.errors or ({},), _status(problem)
    issues = [_issue(problem, one, ISSUE_CODES.get(status, "processing")) for one in places]
    body = {"resourceType": "OperationOutcome", "issue": issues}
    return FhirResponse(json_bytes(body), status_code=status, headers=problem.headers)


def _status(problem: Problem) -> int:
    # FHIR has statuses of its own for what can't be understood: of a search, and of an address.
    if problem.status != InvalidProblem.status:
        return problem.status
    return 404 if any(one["pointer"].startswith("path:") for one in problem.errors) else 400


def _issue(problem: Problem, place: Mapping[str, str], code: str) -> dict[str, Any]:
    issue: dict[str, Any] = {
        "severity": "error",
        "code": code,
        "details": {"text": problem.title},
        "diagnostics": place.get("detail") or problem.detail,
    }
    if "pointer" in place:
        issue["expression"] = [f"http.{place['pointer'].partition(':')[2]}"]
    return issue
