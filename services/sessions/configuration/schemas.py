"""The API's shapes of settings."""

from typing import Annotated

from pydantic import Field

from shared.web.shapes import Shape


class SettingsChange(Shape):
    """Settings to change; those that are left out stay."""

    use_group_sessions: bool | None = None
    view_individual_group_sessions: bool | None = None
    show_attendance_in_chart: bool | None = None
    show_preferred_name: bool | None = None
    integrated_billing: Annotated[str, Field(pattern="^[a-z0-9_]{1,40}$")] | None = None
