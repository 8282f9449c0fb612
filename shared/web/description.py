"""The OpenAPI 3.1 description of a service: what FastAPI knows of its routes, and what all of them share."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shared.web.problems import PROBLEM_MEDIA_TYPE
from shared.web.replaying import READS_END_WITH

PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457: what was wrong, where, and what would be right.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {"type": "string"},
                    "detail": {"type": "string"},
                    "id": {"type": "string", "description": "Of a finding of the check before signing."},
                    "kind": {"type": "string"},
                },
            },
        },
    },
}
KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again with the same request within 24 hours, the first answer is given again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!#-[\\]-~]+$"},
}
REFUSED: Final[dict[str, Any]] = {
    "description": "Refused",
    "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def describe(application: FastAPI, *, takes_keys: bool) -> None:
    """Have the application describe its problems, tokens and, where it takes them, idempotency keys."""

    def openapi() -> dict[str, Any]:
        if application.openapi_schema is None:
            described = get_openapi(
                title=application.title, version=application.version, routes=application.routes
            )
            application.openapi_schema = _completed(described, takes_keys=takes_keys)
        return application.openapi_schema

    application.openapi = openapi  # type: ignore[method-assign]


def _completed(described: dict[str, Any], *, takes_keys: bool) -> dict[str, Any]:
    components = described.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    # The framework's own shape of a refusal, which is never sent.
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    described["security"] = [{"token": []}]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)
            # A route that refuses in words of its own has said so.
            operation["responses"].setdefault("4XX", REFUSED)
            if takes_keys and method == "post" and not path.endswith(READS_END_WITH):
                operation.setdefault("parameters", []).append(KEY)
    return described
