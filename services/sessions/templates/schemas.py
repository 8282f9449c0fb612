"""The API's shapes of templates and schedules."""

from datetime import time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field

from services.sessions.templates.domain import BadRecurrenceError, check_recurrence
from shared.events.record import BillingCode, UnitRule
from shared.web.shapes import Day, Shape, Text, Title


def _is_rule(rule: str) -> str:
    try:
        check_recurrence(rule)
    except BadRecurrenceError as error:
        raise ValueError(BadRecurrenceError.__doc__) from error
    return rule


Recurrence = Annotated[str, Field(max_length=500), AfterValidator(_is_rule)]


def _wall_clock(moment: time) -> time:
    if moment.tzinfo is not None:
        message = "must be a time without offset: the location's time zone applies"
        raise ValueError(message)
    return moment


class TemplateCode(BillingCode):
    """One code; other than in the contract, a field that is not known is refused here."""

    model_config = ConfigDict(extra="forbid")

    code: Annotated[str, Field(pattern="^[A-Z0-9]{3,5}$")]
    description: Title


class TemplateUnits(UnitRule):
    """How minutes become units; other than in the contract, a field that is not known is refused here."""

    model_config = ConfigDict(extra="forbid")


class TemplateBilling(Shape):
    """How sessions of the group are billed; only with integrated billing (BILL-1)."""

    mode: Literal["per_diem", "ancillary"]
    codes: Annotated[tuple[TemplateCode, ...], Field(max_length=20)]
    place_of_service: Annotated[str, Field(pattern=r"^\d{2}$")]
    modifiers: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[A-Z0-9]{2}$")], ...], Field(max_length=4)
    ] = ()
    units: TemplateUnits
    minimum_minutes: Annotated[int, Field(ge=0, le=1440)] = 0


class NewTemplate(Shape):
    """A new group session template (TPL-2)."""

    location_id: UUID
    title: Title
    description: Text = ""
    first_on: Day
    starts_at: Annotated[time, AfterValidator(_wall_clock)]
    duration_minutes: Annotated[int, Field(gt=0, le=1440)]
    recurrence: Recurrence | None = None
    leader_ids: Annotated[tuple[UUID, ...], Field(max_length=10)] = ()
    enabled: bool = True
    notes_required: bool = True
    billing: TemplateBilling | None = None


class NewOccurrence(Shape):
    """A template's meeting on one day of the week, Monday being 1."""

    template_id: UUID
    weekday: Annotated[int, Field(ge=1, le=7)]


class NewSchedule(Shape):
    """A new schedule template (SCH-1)."""

    location_id: UUID
    title: Title
    occurrences: Annotated[tuple[NewOccurrence, ...], Field(min_length=1, max_length=100)]
