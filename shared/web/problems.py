"""Errors as RFC 9457 problems: what was wrong, where, and what would be right."""

from collections.abc import Sequence
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from shared.database.fields import FieldUnsealableError
from shared.web.bodies import json_bytes

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"
TYPE_BASE: Final = "https://opencircle.example/problems/"

log = structlog.get_logger()


class Problem(Exception):  # noqa: N818 - RFC 9457's own word
    """A refusal with a stable type. `errors` point at fields (RFC 6901) and say what would be right."""

    status = 400
    name = "bad-request"
    title = "The request can't be done as it is"

    def __init__(
        self, detail: str, *, errors: Sequence[dict[str, str]] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers or {}


class UnauthenticatedProblem(Problem):
    """No access token, or one that is not valid here (401)."""

    status, name, title = 401, "unauthenticated", "A valid access token is needed"


class StepUpProblem(Problem):
    """Signing needs a log-in of the last minutes (401, RFC 9470)."""

    status, name, title = 401, "fresh-authentication-needed", "Log in again to sign"


class ForbiddenProblem(Problem):
    """The user lacks a role or feature; the detail says which (403, PERM-8)."""

    status, name, title = 403, "forbidden", "You may not do this"


class NotFoundProblem(Problem):
    """There is no such thing in this instance (404)."""

    status, name, title = 404, "not-found", "There is no such thing here"


class ConflictProblem(Problem):
    """The state of the thing does not allow this now (409)."""

    status, name, title = 409, "conflict", "The state of this does not allow it"


class StaleProblem(Problem):
    """Somebody else wrote meanwhile (412)."""

    status, name, title = 412, "stale-version", "This was changed meanwhile"


class TooLargeProblem(Problem):
    """The request body is larger than is taken (413)."""

    status, name, title = 413, "too-large", "The request is too large"


class InvalidProblem(Problem):
    """The input is malformed (422); business refusals have statuses of their own."""

    status, name, title = 422, "invalid-input", "The input is not valid"


class UnreadableProblem(Problem):
    """What is stored of this was written or changed past us, and does not open (500)."""

    status, name, title = 500, "unreadable", "This can't be read"


def problem_body(problem: Problem) -> bytes:
    """Give the RFC 9457 JSON of a problem."""
    body: dict[str, Any] = {
        "type": TYPE_BASE + problem.name,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return json_bytes(body)


def problem_response(problem: Problem) -> Response:
    """Give the HTTP answer of a problem."""
    return Response(
        problem_body(problem),
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=problem.headers,
    )


def malformed_problem(error: RequestValidationError) -> InvalidProblem:
    """Give the problem of input that the framework found malformed."""
    # The input itself is left out: it may hold health data.
    errors = [{"pointer": _pointer(one["loc"]), "detail": one["msg"]} for one in error.errors()]
    return InvalidProblem("Some fields are not as they should be; see errors.", errors=errors)


def answer_with_problems(application: FastAPI) -> None:
    """Turn every error of an application into a problem."""

    async def known(_request: Request, problem: Exception) -> Response:
        assert isinstance(problem, Problem)  # noqa: S101 - registered for this class alone
        return problem_response(problem)

    async def unreadable(_request: Request, error: Exception) -> Response:
        assert isinstance(error, FieldUnsealableError)  # noqa: S101 - registered for this class alone
        # Not the row, which may be a patient's.
        log.error("A sealed field does not open.", code="field.unopenable", reason=error.place)
        return problem_response(UnreadableProblem("Somebody has changed it past us: tell an administrator."))

    async def malformed(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
        return problem_response(malformed_problem(error))

    async def from_framework(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
        problem = (
            NotFoundProblem("No such path.")
            if error.status_code == NotFoundProblem.status
            else Problem(error.detail)
        )
        problem.status = error.status_code
        problem.headers = dict(error.headers or {})
        return problem_response(problem)

    application.add_exception_handler(Problem, known)
    application.add_exception_handler(FieldUnsealableError, unreadable)
    application.add_exception_handler(RequestValidationError, malformed)
    application.add_exception_handler(HTTPException, from_framework)


def _pointer(location: Sequence[str | int]) -> str:
    place, *path = location
    pointer = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in path)
    # The name of an unknown field is the caller's, and may be no Unicode text.
    pointer = pointer.encode(errors="replace").decode()
    if place != "body":
        return f"{place}:{pointer}"
    return f"#/{pointer}" if path else "#"
