"""A partner's profile: which value stands in which field, what is required, what answers mean. All data.

A profile is a TOML file beside its connector; a connection's setting `profile` may override any of it.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field

from services.billing_bridge.hl7.escaping import (
    COMPONENT,
    ESCAPE,
    FIELD,
    REPETITION,
    SEGMENT_END,
    SUBCOMPONENT,
)
from services.billing_bridge.outcomes import Verdict
from shared.web.shapes import Shape

OF_MESSAGE: Final = frozenset(
    {
        "control_id", "event", "sent_at", "accept", "application", "mrn", "patient_id", "session_id",
        "visit_id", "patient_family", "patient_given", "patient_middle", "patient_born", "name_type",
        "notice",
    }
)  # fmt: skip
OF_CHARGE: Final = frozenset(
    {
        "number", "transaction_id", "charge_id", "replaces", "service_date", "form", "code", "coding_system",
        "description", "units", "minutes", "modifiers", "place_of_service", "revenue_code", "provider_npi",
        "provider_name", "provider_family", "provider_given", "group_size",
    }
)  # fmt: skip
"""What a template may name. None of it is clinical."""


def _known(template: str) -> str:
    for _, name, spec, conversion in Formatter().parse(template):
        if name is not None and (name not in OF_MESSAGE | OF_CHARGE or spec or conversion):
            known = ", ".join(sorted(OF_MESSAGE | OF_CHARGE))
            message = f"names {{{name}}}, which is none of: {known}"
            raise ValueError(message)
    return template


Template = Annotated[str, AfterValidator(_known), Field(max_length=500)]
"""A field as it is written: `^`, `~` and `&` part it, `{name}` is a value, escaped whatever it holds."""

FieldName = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2}-[1-9][0-9]?$")]
Segment = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9]{2}$")]


MSH: Final = "MSH"
MSH_BEGINS: Final = FIELD.join((MSH, COMPONENT + REPETITION + ESCAPE + SUBCOMPONENT))
NOTE: Final = "NTE"
"""A comment: without anything to say it is left out."""


@dataclass(frozen=True, kw_only=True)
class Segments:
    """The template of whole segments, from the name of the first to the end of the last."""

    template: str
    names: frozenset[str]
    """The values that it names: no other has to be written out."""

    @classmethod
    def of(cls, segments: Iterable[str], fields: Mapping[str, str]) -> Self:
        """Put fields in their order."""
        template = "".join(_segment_layout(name, fields) for name in segments)
        return cls(
            template=template, names=frozenset(name for _, name, _, _ in Formatter().parse(template) if name)
        )


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What stands in a message of one kind."""

    head: Segments
    each: Segments
    """Of one charge."""
    each_without_note: Segments


class Required(Shape):
    """A charge without this value is rejected before anything is sent."""

    value: Literal["provider_npi", "description", "revenue_code", "place_of_service", "mrn"]
    because: str


class Refused(Shape):
    """A charge whose value holds one of these characters is rejected before anything is sent."""

    value: Literal["description", "code", "provider_name", "mrn"]
    characters: str
    because: str


class Reversals(Shape):
    """How charges are taken back."""

    event: Annotated[str, Field(pattern=r"^P[0-9]{2}$")] = "P03"
    fields: dict[FieldName, Template] = Field(default_factory=lambda: {"FT1-6": "CD"})
    """Fields that differ from those of a charge."""


class Profile(Shape):
    """How messages to one partner are written, and how its answers are read."""

    event: Annotated[str, Field(pattern=r"^P[0-9]{2}$")] = "P03"
    head: tuple[Segment, ...]
    """The segments after MSH, once a message."""
    each: tuple[Segment, ...]
    """The segments of each charge."""
    fields: dict[FieldName, Template]
    reversals: Reversals = Reversals()
    acknowledgement: Literal["original", "commit", "application"] = "original"
    """Whose word counts: `original` mode's one answer (AA), in enhanced mode the receipt (CA), or in
    enhanced mode the application's answer after the receipt."""
    answers: dict[Literal["AA", "AE", "AR", "CA", "CE", "CR"], Verdict]
    """What each acknowledgement code means."""
    required: tuple[Required, ...] = ()
    refused: tuple[Refused, ...] = ()

    @cached_property
    def charge_layout(self) -> Layout:
        """Give the fields of a message of charges, in their order."""
        return self._layout(self.fields)

    @cached_property
    def reversal_layout(self) -> Layout:
        """Give the same of a message that takes charges back."""
        return self._layout(self.fields | self.reversals.fields)

    def _layout(self, fields: Mapping[str, str]) -> Layout:
        return Layout(
            head=Segments.of((MSH, *self.head), fields),
            each=Segments.of(self.each, fields),
            each_without_note=Segments.of((one for one in self.each if one != NOTE), fields),
        )

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """Read a profile."""
        return cls.model_validate(tomllib.loads(path.read_text()))

    def changed_by(self, changes: Mapping[str, Any]) -> Self:
        """Put a connection's own wishes over this profile; raises `ValueError` for what does not fit."""
        return type(self).model_validate(_merged(self.model_dump(), changes))


def _segment_layout(name: str, fields: Mapping[str, str]) -> str:
    at = {int(one.partition("-")[2]): text for one, text in fields.items() if one.startswith(f"{name}-")}
    # MSH-1 is the separator itself, and MSH-2 the other delimiters: written fields begin with MSH-3.
    first, begins = (3, MSH_BEGINS) if name == MSH else (1, name)
    texts = (at.get(position, "") for position in range(first, max(at, default=0) + 1))
    return FIELD.join((begins, *texts)) + SEGMENT_END


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        name: _merged(below[name], value)
        if isinstance(value, Mapping) and isinstance(below.get(name), Mapping)
        else value
        for name, value in above.items()
    }
    return {**below, **both}
