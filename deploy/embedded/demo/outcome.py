"""What the day came to, counted by those who did the work."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.embedded.demo.clinic import Front
from deploy.embedded.demo.plan import GROUPS
from deploy.embedded.demo.receiver import Receiver
from deploy.embedded.demo.setting_up import Clinic
from deploy.embedded.demo.waiting import StillOpenError, eventually

UNFINISHED: Final = re.compile(rb"^opencircle_deliveries_unfinished\{.*\} (\S+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The day in numbers."""

    sessions: int
    present: int
    absent: int
    notes: int
    charges_due: int
    charges_accepted: int
    sheets: int
    open_deliveries: int

    @property
    def complete(self) -> bool:
        """Whether every patient has a note, every billable one a charge, every session a sheet."""
        return (
            self.sessions == len(GROUPS) == self.sheets
            and self.notes == self.present + self.absent
            and self.charges_accepted == self.charges_due
            and self.open_deliveries == 0
        )


async def wait_for_outcome(
    clinic: Clinic, sessions: list[str], jobs: list[str], receiver: Receiver
) -> Figures:
    """Wait until everything is done; give what there is when it takes too long."""
    latest = await _count(clinic, sessions, jobs, receiver)

    async def done() -> bool:
        nonlocal latest
        latest = await _count(clinic, sessions, jobs, receiver)
        return latest.complete

    try:
        await eventually(done)
    except StillOpenError:
        return latest
    return latest


async def _count(clinic: Clinic, sessions: list[str], jobs: list[str], receiver: Receiver) -> Figures:
    admin = clinic.admin
    documented = [await admin.get(f"/v1/group-sessions/{one}") for one in sessions]
    filings = [await admin.get(f"/v1/charts/sessions/{one}/filing") for one in sessions]
    states = [await _state(admin, job) for job in jobs]
    received = (await admin.http.get(receiver.counts_url)).json()
    return Figures(
        sessions=sum(one["status"] == "completed" for one in documented),
        present=sum(_marked(one, "present") for one in documented),
        absent=sum(_marked(one, "absent") for one in documented),
        notes=sum(one["count"] for one in filings),
        charges_due=sum(
            _marked(one, "present") for one, group in zip(documented, GROUPS, strict=True) if group.charged
        ),
        charges_accepted=received["accepted"],
        sheets=states.count("ready"),
        open_deliveries=_unfinished(await admin.get_bytes("/metrics")),
    )


def _marked(session: dict[str, Any], attendance: str) -> int:
    return sum(entry["attendance"] == attendance for entry in session["roster"])


async def _state(admin: Front, job: str) -> str:
    answer = await admin.http.get(
        f"/v1/printing/jobs/{job}", headers={"Authorization": f"Bearer {admin.token}"}
    )
    return answer.json()["status"] if answer.is_success else "on its way"


def _unfinished(metrics: bytes) -> int:
    return sum(int(float(value)) for value in UNFINISHED.findall(metrics))


async def keep_papers(clinic: Clinic, sessions: list[str], jobs: list[str], out: Path) -> list[Path]:
    """Write the sheets, and one chart note as a page, where a person can look at them."""
    kept = []
    for group, job in zip(GROUPS, jobs, strict=True):
        name = group.title.lower().replace(" ", "-").replace(":", "")
        kept.append(out / f"sign-in-sheet-{name}.pdf")
        pdf = await clinic.admin.get_bytes(f"/v1/printing/jobs/{job}/file")
        await asyncio.to_thread(kept[-1].write_bytes, pdf)
    kept.append(out / "chart-note.html")
    await asyncio.to_thread(kept[-1].write_bytes, await _one_note(clinic, sessions[0]))
    return kept


async def _one_note(clinic: Clinic, session_id: str) -> bytes:
    roster = (await clinic.admin.get(f"/v1/group-sessions/{session_id}"))["roster"]
    patient_id = next(entry["patient_id"] for entry in roster if entry["attendance"] == "present")
    notes = (await clinic.admin.get(f"/v1/charts/patients/{patient_id}/notes"))["items"]
    note_id = next(note["note_id"] for note in notes if note["session_id"] == session_id)
    return await clinic.admin.get_bytes(f"/v1/charts/notes/{note_id}.html")
