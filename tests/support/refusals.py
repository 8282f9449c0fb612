"""Asks every route of a service as somebody who may do nothing there, and looks for it in the audit trail."""

from collections.abc import Iterator
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import Table, func, select

from shared.database.audit import Outcome
from shared.database.transactions import Database
from shared.identifiers import new_id
from shared.testing.identity import TokenIssuer
from shared.testing.records import CLINIC

FORBIDDEN = 403


async def refused_without_a_trace(
    application: FastAPI, issuer: TokenIssuer, database: Database, trail: Table
) -> tuple[int, list[str]]:
    """Give how many routes refused a stranger, and those of them of which the trail tells nothing."""
    headers = {"Authorization": f"Bearer {issuer.token_for(new_id(), instance_id=CLINIC)}", "If-Match": '"1"'}
    refusals, untold = 0, []
    transport = httpx2.ASGITransport(app=application)
    async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
        for method, path in _routes(application):
            before = await _told(database, trail)
            answer = await client.request(method, path, headers=headers, json={})
            if answer.status_code == FORBIDDEN:
                refusals += 1
                untold += [] if await _told(database, trail) > before else [f"{method} {path}"]
    return refusals, untold


def _routes(application: FastAPI) -> Iterator[tuple[str, str]]:
    for path, methods in application.openapi()["paths"].items():
        for method, described in methods.items():
            filled = path
            for parameter in described.get("parameters", ()):
                if parameter["in"] == "path":
                    filled = filled.replace(f"{{{parameter['name']}}}", _value(parameter["schema"]))
            yield method.upper(), filled


def _value(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return str(schema["enum"][0])
    return "2026-03-03" if schema.get("format") == "date" else str(new_id())


async def _told(database: Database, trail: Table) -> int:
    counted = select(func.count()).select_from(trail).where(trail.c.outcome == Outcome.REFUSED.value)
    async with database.reading_for_all() as connection:
        return (await connection.execute(counted)).scalar_one()
