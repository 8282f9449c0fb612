from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid5

from services.sessions.documentation.domain import GroupSession, RosterEntry
from services.sessions.scheduling.domain import Status
from shared.events.record import Attendance
from shared.testing.records import CAST, MARGARET, TUESDAY

TOM = uuid5(CAST, "Tom")


def patient_id(number: int) -> UUID:
    return uuid5(CAST, f"patient {number}")


def a_session(**changes: Any) -> GroupSession:
    facts: dict[str, Any] = {
        "id": uuid5(CAST, "session"),
        "template_id": uuid5(CAST, "Process Group"),
        "location_id": uuid5(CAST, "Main Street"),
        "held_on": date(2026, 3, 10),
        "title": "Process Group",
        "starts_at": TUESDAY,
        "duration_minutes": 50,
        "status": Status.IN_PROGRESS,
        "version": 3,
        "documentation_id": uuid5(CAST, "documentation"),
        "started_at": TUESDAY,
        "ended_at": TUESDAY + timedelta(minutes=50),
        "topic": "Coping with cravings",
        "description": "Urge surfing.",
        "leader_ids": (MARGARET,),
    }
    return GroupSession(**facts | changes)


def an_entry(number: int = 0, **changes: Any) -> RosterEntry:
    facts: dict[str, Any] = {
        "patient_id": patient_id(number),
        "attendance": Attendance.PRESENT,
        "minutes": None,
        "individual_note": f"Note number {number}.",
    }
    return RosterEntry(**facts | changes)
