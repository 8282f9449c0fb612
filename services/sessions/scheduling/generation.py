"""Which sessions a template comes to, without any I/O (TPL-3, TPL-4)."""

from collections.abc import Iterable, Iterator
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from services.sessions.scheduling.domain import PlannedSession, session_id_of
from services.sessions.templates.domain import Template, occurrences


def meeting_places(templates: Iterable[Template]) -> Iterator[tuple[Template, UUID]]:
    """Give each template with each of its locations."""
    yield from ((one, location_id) for one in templates for location_id in one.location_ids)


def planned_sessions(
    template: Template,
    location_id: UUID,
    zone: ZoneInfo,
    *,
    since: date,
    until: date,
    therapists: dict[UUID, date | None],
) -> Iterator[PlannedSession]:
    """Give a template's sessions held at a location in these days; of a caseload one for each therapist.

    `therapists` are those with a caseload there, with the last day on which they have one.
    """
    for one in occurrences(template, location_id, zone, since=since, until=until):
        for therapist_id in _leading(template, one.held_on, therapists):
            yield PlannedSession(
                id=id_of(template, location_id, one.on, therapist_id),
                template_id=template.id,
                location_id=location_id,
                held_on=one.held_on,
                title=template.title,
                starts_at=one.starts_at,
                duration_minutes=template.duration_minutes,
                leader_ids=(therapist_id,) if therapist_id else template.leader_ids,
                topic=template.topic,
                description=template.note,
                moved_from=one.on if one.on != one.held_on else None,
                caseload_of=therapist_id,
            )


def id_of(template: Template, location_id: UUID, on: date, therapist_id: UUID | None = None) -> UUID:
    """Give the id of a template's session at one of its locations, on a day of the series (TPL-3)."""
    named = None if location_id == template.home_id else location_id
    return session_id_of(template.id, on, therapist_id, location_id=named)


def _leading(template: Template, day: date, therapists: dict[UUID, date | None]) -> Iterator[UUID | None]:
    if not template.caseload:
        yield None
        return
    yield from (one for one, until in therapists.items() if until is None or day <= until)
