"""What an instance has chosen."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class InstanceSettings:
    """Settings of one customer organisation (SET-1 to SET-6)."""

    name: str
    use_group_sessions: bool
    view_individual_group_sessions: bool
    show_attendance_in_chart: bool
    show_preferred_name: bool
    integrated_billing: str | None
    """The connector's name; None: billing fields do not exist here and no charge is made."""
    version: int
