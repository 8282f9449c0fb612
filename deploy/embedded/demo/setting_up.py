"""The evening before: the clinic is imported, its groups are made, its patients enrolled."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from deploy.embedded.demo.clinic import Front, RefusedError
from deploy.embedded.demo.plan import BILLING, GROUPS, REVIEWED_LEADER, REVIEWER, Group
from deploy.embedded.demo.receiver import Receiver
from deploy.embedded.demo.waiting import eventually
from deploy.embedded.errors import OperatorError

IMPORT_ORDER: Final = ("Organization", "Location", "Practitioner", "PractitionerRole", "Patient")
DEFAULT_TIME_ZONE: Final = "America/Chicago"
THERAPISTS: Final = max(REVIEWER, *(group.leader for group in GROUPS)) + 1
PASSWORD: Final = "only-for-this-demo"  # noqa: S105 - of users that exist as long as the demo does


class NothingImportedError(OperatorError):
    """Too little was imported: a location, five practitioners and a living patient are needed."""


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What became of one file."""

    file: str
    read: int
    problems: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Clinic:
    """A clinic that is ready for its day."""

    admin: Front
    therapists: list[Front]
    therapist_ids: list[str]
    location: dict[str, Any]
    day: date
    patients: list[dict[str, Any]]
    deceased: list[dict[str, Any]]


async def import_directory(admin: Front, folder: Path) -> list[Imported]:
    """Import every file of a bulk export, in an order in which references resolve."""
    reports = []
    for kind in IMPORT_ORDER:
        for file in sorted(folder.glob(f"{kind}.*ndjson")):
            answer = await admin.upload(f"/v1/directory/imports?time_zone={quote(DEFAULT_TIME_ZONE)}", file)
            reports.append(Imported(file=file.name, read=answer["read"], problems=answer["problems"]))
    return reports


async def open_clinic(admin: Front, receiver: Receiver) -> Clinic:
    """Choose place, day and people; give staff their access; connect the billing system."""
    locations = await admin.pages("/v1/directory/locations")
    everybody = await admin.pages("/v1/directory/staff")
    staff = [one for one in everybody if "super_admin" not in (one["roles"] or [])]
    patients = await admin.pages("/v1/directory/patients")
    living = [one for one in patients if one["deceased_on"] is None]
    if not locations or len(staff) < THERAPISTS or not living:
        raise NothingImportedError
    ids = [one["id"] for one in staff[:THERAPISTS]]
    therapists = [await _employ(admin, user_id, number) for number, user_id in enumerate(ids)]
    await admin.patch("/v1/settings", {"integrated_billing": "webhook"})
    await _connect_billing(admin, receiver)
    zone = ZoneInfo(locations[0]["time_zone"])
    return Clinic(
        admin=admin,
        therapists=therapists,
        therapist_ids=ids,
        location=locations[0],
        # Yesterday: a whole day that is over, whatever time it is now.
        day=datetime.now(UTC).astimezone(zone).date() - timedelta(days=1),
        patients=living,
        deceased=[one for one in patients if one["deceased_on"] is not None],
    )


async def _employ(admin: Front, user_id: str, number: int) -> Front:
    features = {
        REVIEWED_LEADER: ["requires_group_session_review"],
        REVIEWER: ["review_group_sessions"],
    }
    access = {"roles": ["therapist"], "features": features.get(number, [])}
    await admin.put(f"/v1/directory/staff/{user_id}/access", access)
    login = {"login": f"therapist-{number}", "password": PASSWORD}
    await admin.put(f"/v1/directory/staff/{user_id}/login", login)
    return await Front(http=admin.http).log_in(**login)


async def _connect_billing(admin: Front, receiver: Receiver) -> None:
    connection = {"url": receiver.url, "secret": receiver.secret, "deduplicates": True}

    async def connected() -> bool:
        try:
            await admin.put("/v1/billing/connections/webhook", connection)
        except RefusedError as error:
            # Who may do what travels by event too, and may not have arrived yet.
            if error.status != 403:  # noqa: PLR2004 - Forbidden
                raise
            return False
        return True

    await eventually(connected)


async def plan_day(clinic: Clinic) -> list[str]:
    """Make groups and schedules, enrol patients, generate the day; give the sessions in the plan's order."""
    templates = []
    for group in GROUPS:
        template_id = await _make_group(clinic, group)
        templates.append(template_id)
        await _enrol(clinic, group, template_id)
    days = {"since": clinic.day.isoformat(), "until": clinic.day.isoformat()}
    await clinic.admin.post("/v1/group-sessions/generation", days)
    view = await clinic.admin.get(f"/v1/group-sessions?location_id={clinic.location['id']}&date={clinic.day}")
    by_title = {one["title"]: one["id"] for one in view["upcoming"]}
    return [by_title[group.title] for group in GROUPS]


async def _make_group(clinic: Clinic, group: Group) -> str:
    template = {
        "location_ids": [clinic.location["id"]],
        "title": group.title,
        "description": group.description,
        "first_on": (clinic.day - timedelta(days=28)).isoformat(),
        "starts_at": group.starts_at.isoformat(),
        "duration_minutes": group.minutes,
        "recurrence": f"FREQ=WEEKLY;BYDAY={clinic.day.strftime('%a').upper()[:2]}",
        "leader_ids": [clinic.therapist_ids[group.leader]],
        "billing": BILLING if group.charged else None,
    }
    return str((await clinic.admin.post("/v1/templates", template))["id"])


async def _enrol(clinic: Clinic, group: Group, template_id: str) -> None:
    occurrence = {"template_id": template_id, "weekday": clinic.day.isoweekday()}
    schedule = {"location_id": clinic.location["id"], "title": group.title, "occurrences": [occurrence]}
    schedule_id = (await clinic.admin.post("/v1/schedules", schedule))["id"]
    enrolled = [one["id"] for one in clinic.patients[: group.size]]
    assignment = {"patient_ids": enrolled, "starts_on": clinic.day.isoformat()}
    await clinic.admin.post(f"/v1/schedules/{schedule_id}/assignments", assignment)
    await _require_refusal(clinic, schedule_id)


async def _require_refusal(clinic: Clinic, schedule_id: str) -> None:
    """Try to enrol somebody who has died: it has to be refused."""
    if not clinic.deceased:
        return
    assignment = {"patient_ids": [clinic.deceased[0]["id"]], "starts_on": clinic.day.isoformat()}
    try:
        await clinic.admin.post(f"/v1/schedules/{schedule_id}/assignments", assignment)
    except RefusedError as error:
        if error.status == 409:  # noqa: PLR2004 - Conflict
            return
        raise
    raise RefusedError("a deceased patient was enrolled", status=200)
