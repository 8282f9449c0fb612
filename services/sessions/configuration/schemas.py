"""The API's shapes of settings."""

from typing import Annotated

from pydantic import BaseModel, Field, field_validator

from shared.web.shapes import Shape


class SettingsChange(Shape):
    """Settings to change; those that are left out stay."""

    use_group_sessions: bool | None = None
    view_individual_group_sessions: bool | None = None
    show_attendance_in_chart: bool | None = None
    show_preferred_name: bool | None = None
    integrated_billing: Annotated[str, Field(pattern="^[a-z0-9_]{1,40}$")] | None = None

    @field_validator(
        "use_group_sessions",
        "view_individual_group_sessions",
        "show_attendance_in_chart",
        "show_preferred_name",
    )
    @classmethod
    def _on_or_off(cls, switch: bool | None) -> bool:  # noqa: FBT001 - pydantic's signature
        if switch is None:
            message = "must be true or false, or be left out"
            raise ValueError(message)
        return switch


class Settings(BaseModel):
    """All settings of an instance."""

    name: str
    use_group_sessions: bool
    view_individual_group_sessions: bool
    show_attendance_in_chart: bool
    show_preferred_name: bool
    integrated_billing: str | None
    version: int
