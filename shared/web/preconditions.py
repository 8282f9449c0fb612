"""Writing only over what one has read: `If-Match` (RFC 9110, 13.1.1) against the ETag of now."""

from typing import Annotated, Final

from fastapi import Header

from shared.web.problems import Problem, StaleProblem

ANY_VERSION: Final = "*"

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=1000)]
"""The ETag that the caller has read."""

IfNoneMatch = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
"""The ETag of what the caller has, not to be sent again."""


class PreconditionNeededProblem(Problem):
    """The change does not say which version it is of (428, RFC 6585)."""

    status, name, title = 428, "precondition-needed", "Say which version you are changing"


def require_match(if_match: str | None, etag: str) -> None:
    """Let a change of the version of now pass; raises `PreconditionNeededProblem` or `StaleProblem`."""
    if if_match is None:
        raise PreconditionNeededProblem("Send `If-Match` with the ETag that you have read.")
    refuse_stale(if_match, etag)


def refuse_stale(if_match: str | None, etag: str) -> None:
    """Raise `StaleProblem` for a change of another version; one that names no version passes."""
    named = {ANY_VERSION} if if_match is None else {one.strip() for one in if_match.split(",")}
    if not named & {ANY_VERSION, etag}:
        raise StaleProblem(
            "Somebody wrote meanwhile; read it again, then change what you have read.",
            headers={"ETag": etag},
        )
