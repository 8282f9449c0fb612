"""Which tabs the chart of one patient has."""

from uuid import UUID

from services.charts.models import chart_documentation, chart_note, instance_settings
from services.charts.standing import VOID, notes
from services.charts.tabs.domain import Tab, TabKind
from services.charts.tabs.repository import load_tabs
from shared.database.transactions import Transaction
from shared.web.instance_settings import instance_settings as settings_of
from shared.web.problems import NotFoundProblem, Problem


class SwitchedOffProblem(Problem):
    """A setting of the instance switches this off; the detail says which (403, SET-2 to SET-4)."""

    status, name, title = 403, "switched-off", "This is switched off here"


class TabMissingProblem(NotFoundProblem):
    """The patient's chart has no Group Sessions tab; no note is lost (404, TAB-4)."""

    name, title = "tab-missing", "This chart has no Group Sessions tab"


async def tabs_in_chart(db: Transaction, patient_id: UUID) -> list[Tab]:
    """Give the tabs that a patient's chart shows, in their order."""
    on = (await settings_of(db, instance_settings)).use_group_sessions
    enabled = [
        tab for tab in await load_tabs(db) if tab.enabled and (on or tab.kind is not TabKind.GROUP_SESSIONS)
    ]
    # Asked for only where it matters, which is rarely.
    somewhere = any(tab.location_ids for tab in enabled)
    location_id = await _location_of(db, patient_id) if somewhere else None
    return [tab for tab in enabled if tab.is_at(location_id)]


async def require_group_sessions_tab(db: Transaction, patient_id: UUID) -> None:
    """Let pass where the patient's chart has the tab.

    Raises `SwitchedOffProblem` or `TabMissingProblem`, with what would bring it back (TAB-4, TAB-5).
    """
    if not (await settings_of(db, instance_settings)).use_group_sessions:
        raise SwitchedOffProblem("This instance has switched off: Use Group Sessions. Its notes are kept.")
    tab = next((one for one in await load_tabs(db) if one.kind is TabKind.GROUP_SESSIONS), None)
    if tab is None:
        raise TabMissingProblem(
            "A Super Admin can create a tab of the kind group_sessions: it brings every note back."
        )
    if not tab.enabled:
        raise SwitchedOffProblem("The Group Sessions tab is disabled in the patient settings.")
    if tab.location_ids and not tab.is_at(await _location_of(db, patient_id)):
        raise TabMissingProblem(
            "The patient settings limit the tab to locations that are not this patient's."
        )


async def _location_of(db: Transaction, patient_id: UUID) -> UUID | None:
    """Give where the patient was in a session last; None before the first one."""
    statement = (
        notes(db, chart_documentation.c.location_id)
        .where(chart_note.c.patient_id == patient_id, chart_documentation.c.location_id.is_not(None), ~VOID)
        .order_by(chart_note.c.held_at.desc(), chart_note.c.id.desc())
        .limit(1)
    )
    row = await db.one_or_none(statement)
    return row.location_id if row else None
