"""The API's shapes of templates and schedules."""

from datetime import time
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from services.sessions.templates.domain import Modality
from services.sessions.templates.recurrence import BadRecurrenceError, check_recurrence
from shared.events.record import BillingCode, UnitRule
from shared.web.shapes import MAX_TITLE_CHARACTERS, Day, Shape, Storable, Text, Title

LOCATIONS_AT_MOST = 50


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


WallClock = Annotated[time, AfterValidator(_wall_clock)]


def _https(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname or not address.isascii() or not address.isprintable():
        message = "must be an address that begins with https://"
        raise ValueError(message)
    return address


Link = Annotated[Storable, Field(max_length=500), AfterValidator(_https)]


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


class TemplateFacts(Shape):
    """A group session template, as it is made and as it is replaced (TPL-2)."""

    location_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=LOCATIONS_AT_MOST)]
    """Where it meets, each with its own sessions; a patient of none of them sits at the first one (TPL-4)."""
    title: Title
    description: Text = ""
    first_on: Day
    starts_at: WallClock
    duration_minutes: Annotated[int, Field(gt=0, le=1440)]
    recurrence: Recurrence | None = None
    leader_ids: Annotated[tuple[UUID, ...], Field(max_length=10)] = ()
    enabled: bool = True
    notes_required: bool = True
    billing: TemplateBilling | None = None
    caseload: bool = False
    topic: Annotated[Storable, Field(max_length=MAX_TITLE_CHARACTERS)] = ""
    note: Text = ""
    capacity: Annotated[int, Field(gt=0, le=1000)] | None = None
    modality: Modality = Modality.IN_PERSON
    link: Link | None = None
    exceptions: Annotated[tuple[Day, ...], Field(max_length=500)] = ()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.link is None) != (self.modality is Modality.IN_PERSON):
            message = "a telehealth group needs a link, and no other one has any"
            raise ValueError(message)
        if self.caseload and (self.capacity is not None or self.leader_ids):
            message = "a caseload group is led by the Primary Therapist and takes the whole caseload"
            raise ValueError(message)
        return self


class NewTemplate(TemplateFacts):
    """A new group session template."""


class ChangedOccurrence(Shape):
    """What becomes of one occurrence: cancelled, or moved to another day or time (TPL-5)."""

    location_id: UUID | None = None
    """At this one of the template's locations; left out: at all of them."""
    cancelled: bool = False
    moved_to: Day | None = None
    starts_at: WallClock | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        moved = self.moved_to is not None or self.starts_at is not None
        if self.cancelled == moved:
            message = "say `cancelled`, or where it goes by `moved_to`, `starts_at` or both"
            raise ValueError(message)
        return self


class NewOccurrence(Shape):
    """A template's meeting on one day of the week, Monday being 1."""

    template_id: UUID
    weekday: Annotated[int, Field(ge=1, le=7)]


class ScheduleFacts(Shape):
    """What a schedule template is from now on."""

    title: Title
    occurrences: Annotated[tuple[NewOccurrence, ...], Field(min_length=1, max_length=100)]


class NewSchedule(ScheduleFacts):
    """A new schedule template (SCH-1)."""

    location_id: UUID
