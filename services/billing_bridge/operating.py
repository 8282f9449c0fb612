"""What the command line of billing does, over the API: tables to read, and decisions with their progress."""

import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2
from rich.console import Console, RenderableType
from rich.progress import Progress
from rich.table import Table

BASE: Final = "/v1/billing"
STEP: Final = 200
REFUSED: Final = 400
SECONDS: Final = 60.0


class RefusedError(Exception):
    """The API refused; the text is its own words, with each field or line that was wrong."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """A person at the command line."""

    client: httpx2.AsyncClient
    console: Console
    as_json: bool = False
    """Show one JSON value instead of tables and sentences."""

    def show(self, told: Any, *shown: RenderableType) -> None:
        """Show what the API told: as JSON, or in the given words and tables."""
        if self.as_json:
            # Past the console, which would break long lines.
            self.console.file.write(json.dumps(told) + "\n")
            return
        for one in shown:
            self.console.print(one)

    async def ask(self, method: str, path: str, **what: Any) -> httpx2.Response:
        """Ask the API; raises `RefusedError`."""
        try:
            answer = await self.client.request(method, f"{BASE}{path}", **what)
        except httpx2.HTTPError as error:
            message = f"The API can't be reached at {self.client.base_url}: {type(error).__name__}."
            raise RefusedError(message) from None
        if answer.status_code >= REFUSED:
            raise RefusedError(_refusal(answer))
        return answer

    async def show_worklist(self) -> None:
        """Show what waits for a person, a row a group."""
        groups = (await self.ask("GET", "/worklist")).json()["groups"]
        if not groups:
            self.show(groups, "Nothing waits for a person.")
            return
        table = Table("Group", "System", "Status", "Charges", "Oldest", "Goes by itself", "Reason")
        for one in groups:
            goes = "yes" if one["goes_by_itself"] else "no"
            facts = (one["group"], one["system"], one["status"], str(one["charges"]))
            table.add_row(*facts, one["oldest_made_at"][:10], goes, one["reason"])
        self.show(groups, table)

    async def decide_one(self, deed: str, charge_id: UUID, *, reason: str) -> None:
        """Hold, release, cancel or confirm one charge."""
        answer = await self.ask("POST", f"/charges/{charge_id}/{deed}", json={"reason": reason})
        charge = answer.json()
        self.show(charge, f"{charge_id} is {charge['status']}.")

    async def decide_together(self, deed: str, *, group: str | None, reason: str) -> None:
        """Release or cancel a group, or all of the worklist, step by step."""
        decided = 0
        skipped: list[dict[str, str]] = []
        wanted: dict[str, Any] = {"reason": reason, "group": group, "limit": STEP}
        with Progress(console=self.console, transient=True, disable=self.as_json) as progress:
            task = progress.add_task(deed, total=await self._waiting(group))
            while True:
                step = (await self.ask("POST", f"/worklist/{deed}", json=wanted)).json()
                decided, skipped = decided + step["decided"], [*skipped, *step["skipped"]]
                progress.update(task, completed=decided + len(skipped))
                if step["next"] is None:
                    break
                wanted["after"] = step["next"]
        self.show(
            {"deed": deed, "decided": decided, "skipped": skipped},
            f"{deed}: {decided} charges, {len(skipped)} stay as they are.",
            *(f"  {one['charge_id']}  {one['detail']}" for one in skipped),
        )

    async def _waiting(self, group: str | None) -> int:
        groups = (await self.ask("GET", "/worklist")).json()["groups"]
        return sum(one["charges"] for one in groups if group in (None, one["group"]))

    async def show_connections(self) -> None:
        """Show where charges go."""
        table = Table("System", "Active", "Deduplicates", "Pace", "Address", "Waits because")
        connections = (await self.ask("GET", "/connections")).json()["connections"]
        for one in connections:
            flags = ("yes" if one[name] else "no" for name in ("active", "deduplicates"))
            table.add_row(one["system"], *flags, _pace(one["pacing"]), one["url"], _hindrance(one))
        self.show(connections, table)

    async def pause(self, system: str, *, reason: str | None) -> None:
        """Pause a connection for a reason, or resume it without one."""
        deed, what = ("pause", {"json": {"reason": reason}}) if reason else ("resume", {})
        one = (await self.ask("POST", f"/connections/{system}/{deed}", **what)).json()
        self.show(one, f"{system} is {'active' if one['active'] else 'paused'}.")

    async def show_report(self, filters: Mapping[str, str]) -> None:
        """Show totals by code and status."""
        table = Table("System", "Form", "Code", "Status", "Charges", "Patients", "Units", "Minutes")
        totals = (await self.ask("GET", "/report", params=filters)).json()["totals"]
        for one in totals:
            table.add_row(*(str(value) for value in one.values()))
        self.show(totals, table)

    async def reconcile(self, *, since: date, until: date) -> int:
        """Show days in numbers and every difference; give how many differences there are."""
        table = Table("Day", "Sessions", "Present", "Filed", "Charges", "Acknowledged", "Differences")
        named = Table("Day", "Difference", "Session", "Charge", "Why")
        differences, days = 0, []
        for number in range((until - since).days + 1):
            on = (since + timedelta(days=number)).isoformat()
            day = (await self.ask("GET", "/reconciliation", params={"on": on})).json()
            days.append({"on": on} | day)
            filed = "?" if day["filed"] is None else str(day["filed"])
            numbers = [str(day[name]) for name in ("charges", "acknowledged", "differences")]
            table.add_row(on, str(day["sessions"]), str(day["present"]), filed, *numbers)
            differences += day["differences"]
            for row in _differences(day):
                named.add_row(on, *row)
        self.show(days, table, *([named] if differences else []))
        return differences

    async def save(self, path: str, filters: Mapping[str, str], *, to: Path) -> None:
        """Save a CSV, for its owner's eyes alone: it is health data."""
        content = (await self.ask("GET", path, params=filters)).content
        with os.fdopen(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
        self.show({"saved": str(to)}, f"Saved {to}.")

    async def import_codes(self, content: bytes) -> None:
        """Import the catalogue of codes: all of it, or nothing."""
        headers = {"Content-Type": "text/csv"}
        told = (await self.ask("POST", "/codes/import", content=content, headers=headers)).json()
        self.show(told, "{added} added, {changed} changed, {unchanged} unchanged.".format(**told))


def _pace(pacing: Mapping[str, Any]) -> str:
    """Say in words what of a pace is set."""
    said = {
        "daily_at": "daily at {daily_at}",
        "window_from": "{window_from} to {window_until}",
        "at_most_at_once": "{at_most_at_once} at once",
        "per_minute": "{per_minute} a minute",
    }
    told = [words.format(**pacing) for name, words in said.items() if pacing[name] is not None]
    in_zone = [pacing["zone"]] if pacing["daily_at"] or pacing["window_from"] else []
    return ", ".join([*told, *in_zone]) or "at once"


def _hindrance(one: Mapping[str, Any]) -> str:
    broken = f"{one['failures']} messages in a row not taken; next try {one['probe_at']}"
    return one["paused_because"] or (broken if one["probe_at"] else "")


def _differences(day: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    return [
        (one["kind"], line["session_id"], one["charge_id"] or "", one["detail"])
        for line in day["lines"]
        for one in line["differences"]
    ]


def _refusal(answer: httpx2.Response) -> str:
    try:
        problem = answer.json()
        errors = [f"  {one['pointer']}: {one['detail']}" for one in problem.get("errors", ())]
        return "\n".join([f"{problem['title']}. {problem['detail']}", *errors])
    except (ValueError, KeyError):
        return f"The API answered {answer.status_code}."


@asynccontextmanager
async def operator(
    url: str, token: str, console: Console, *, as_json: bool = False
) -> AsyncIterator[Operator]:
    """Open the client of one command. It follows no redirect and asks no proxy of the environment."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(
        base_url=url, headers=headers, follow_redirects=False, trust_env=False, timeout=SECONDS
    ) as client:
        yield Operator(client=client, console=console, as_json=as_json)
