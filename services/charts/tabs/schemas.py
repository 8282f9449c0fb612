"""The API's shapes of tabs."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.charts.tabs.domain import LAST_POSITION, TabKind
from shared.web.shapes import Shape, Title

LOCATIONS_AT_MOST = 500

Order = Annotated[int, Field(ge=0, le=LAST_POSITION)]
LocationIds = Annotated[tuple[UUID, ...], Field(max_length=LOCATIONS_AT_MOST)]


class TabFacts(Shape):
    """All that can be changed of a tab."""

    name: Title
    enabled: bool
    order: Order
    location_ids: LocationIds


class NewTab(Shape):
    """A new tab; without an order it comes last, without locations it is in every chart."""

    name: Title
    kind: TabKind
    enabled: bool = True
    order: Order | None = None
    location_ids: LocationIds = ()


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class TabAnswer(Answer):
    """A tab of the charts."""

    id: UUID
    name: str
    kind: TabKind
    enabled: bool
    order: int
    location_ids: list[UUID]
    """Whose patients have it; empty: those of all locations."""
    version: int


class TabList(Answer):
    items: list[TabAnswer]
    """In their order."""
