"""The day itself: sheets on the tables, sessions documented, signed and reviewed."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from deploy.embedded.demo.clinic import Front
from deploy.embedded.demo.plan import (
    ABSENT_EVERY,
    COPIED,
    COPIED_FOR,
    GROUPS,
    LATE_EVERY,
    MOOD,
    NEXT,
    REVIEWED_LEADER,
    REVIEWER,
    TOOK_PART,
    Group,
)
from deploy.embedded.demo.setting_up import Clinic


async def request_sheets(clinic: Clinic, sessions: list[str]) -> list[str]:
    """Ask for each session's sign-in sheet; give the print jobs."""
    return [
        (await clinic.admin.post(f"/v1/group-sessions/{one}/sign-in-sheet"))["job_id"] for one in sessions
    ]


async def document(clinic: Clinic, sessions: list[str]) -> list[str]:
    """Start and document every session; each is signed by its leader, one is reviewed too.

    Gives the kinds of what the signers acknowledged.
    """
    acknowledged = []
    for group, session_id in zip(GROUPS, sessions, strict=True):
        leader = clinic.therapists[group.leader]
        place = f"/v1/group-sessions/{session_id}"
        await leader.post(f"{place}/start")
        await _write(leader, place, group, _starts_at(clinic, group))
        acknowledged += await leader.sign(place)
        if group.leader == REVIEWED_LEADER:
            acknowledged += await clinic.therapists[REVIEWER].sign(place)
    return acknowledged


def _starts_at(clinic: Clinic, group: Group) -> datetime:
    return datetime.combine(clinic.day, group.starts_at, tzinfo=ZoneInfo(clinic.location["time_zone"]))


async def _write(leader: Front, place: str, group: Group, starts_at: datetime) -> None:
    roster = [entry["patient_id"] for entry in (await leader.get(place))["roster"]]
    marks = [_mark(number, patient_id, group) for number, patient_id in enumerate(roster)]
    await leader.put(f"{place}/attendance", {"marks": marks})
    ends_at = starts_at + timedelta(minutes=group.minutes)
    note = {
        "topic": group.topic,
        "description": group.description,
        "started_at": starts_at.isoformat(),
        "ended_at": ends_at.isoformat(),
    }
    await leader.put(f"{place}/group-note", note)
    for number, mark in enumerate(marks):
        if mark["attendance"] == "present":
            await leader.put(f"{place}/roster/{mark['patient_id']}/note", {"text": note_for(group, number)})


def note_for(group: Group, number: int) -> str:
    """Write the individual note of the `number`th patient of a group."""
    if not group.charged and number in COPIED_FOR:
        return COPIED
    return " ".join(sentences[number % len(sentences)] for sentences in (TOOK_PART, MOOD, NEXT))


def _mark(number: int, patient_id: str, group: Group) -> dict[str, Any]:
    if number % ABSENT_EVERY == ABSENT_EVERY - 1:
        return {"patient_id": patient_id, "attendance": "absent"}
    mark: dict[str, Any] = {"patient_id": patient_id, "attendance": "present"}
    return mark | {"minutes": group.minutes - 10} if number % LATE_EVERY == LATE_EVERY - 1 else mark
