"""What an instance has chosen, as the other services keep it (SET-7)."""

from shared.events.contract import Contract


class InstanceSettingsChanged(Contract):
    """All settings of an instance from `version` on; an older version arriving late changes nothing."""

    version: int
    use_group_sessions: bool
    view_individual_group_sessions: bool
    show_attendance_in_chart: bool
    show_preferred_name: bool
    integrated_billing: str | None
