from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.charts.tabs.domain import Tab, TabKind, is_switched_on
from shared.events.settings import InstanceSettingsChanged
from shared.identifiers import new_id
from shared.web.instance_settings import NOTHING_HEARD


def chosen(version: int, *, on: bool) -> InstanceSettingsChanged:
    return NOTHING_HEARD.model_copy(update={"version": version, "use_group_sessions": on})


def a_tab(*location_ids: object) -> Tab:
    return Tab(
        id=new_id(),
        name="Groups",
        kind=TabKind.GROUP_SESSIONS,
        enabled=True,
        order=0,
        location_ids=tuple(location_ids),  # type: ignore[arg-type]
        version=1,
    )


@pytest.mark.rule("TAB-1")
@pytest.mark.parametrize(
    ("known", "told", "switched_on"),
    [
        (None, [(1, True)], True),
        (None, [(1, False)], False),
        ((1, False), [(2, True)], True),
        ((1, True), [(2, True)], False),
        ((1, True), [(2, False), (3, True)], True),
        ((3, True), [(1, False), (2, True)], False),
        ((1, True), [(2, False)], False),
    ],
)
def test_switching_on_is_a_step_from_off_to_on_in_the_order_of_versions(
    known: tuple[int, bool] | None, told: list[tuple[int, bool]], switched_on: bool
) -> None:
    before = chosen(known[0], on=known[1]) if known else None
    for order in permutations(told):
        changes = [chosen(version, on=on) for version, on in order]
        assert is_switched_on(before, changes) is switched_on


@given(st.lists(st.booleans(), min_size=1))
def test_what_was_heard_already_switches_nothing_on(switches: list[bool]) -> None:
    changes = [chosen(version, on=on) for version, on in enumerate(switches, start=1)]
    assert not is_switched_on(changes[-1], changes)


@pytest.mark.rule("TAB-2")
def test_a_tab_of_some_locations_is_in_their_charts_and_in_those_of_no_known_location() -> None:
    here, there = new_id(), new_id()
    tab = a_tab(here)
    assert (tab.is_at(here), tab.is_at(there), tab.is_at(None)) == (True, False, True)
    assert a_tab().is_at(there)
