from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing_bridge.codes.domain import Catalogue, CodeEntry, GroupBand, entry_for, overlapping
from services.billing_bridge.domain import charges_for
from shared.events.record import CodeKind, SessionRecord, UnitRule
from shared.identifiers import new_id
from shared.testing.records import a_patient, a_session_record, webhook_billing

QUARTERS = UnitRule(by="time", minutes_per_unit=15, minutes_to_round_up=8)


def an_entry(**changes: Any) -> CodeEntry:
    facts: dict[str, Any] = {
        "code_id": new_id(),
        "version": 3,
        "kind": CodeKind.CCODE,
        "code": "90853",
        "description": "Group psychotherapy, by the catalogue",
        "effective_on": date(2026, 1, 1),
    }
    return CodeEntry(**facts | changes)


def catalogue_of(*entries: CodeEntry) -> Catalogue:
    return {(one.kind, one.code): [each for each in entries if each.code == one.code] for one in entries}


def group_of(size: int, *, minutes: int = 50, **billing: Any) -> SessionRecord:
    patients = tuple(a_patient(number, minutes=minutes) for number in range(size))
    return a_session_record(participants=patients, billing=webhook_billing(**billing))


def held(record: SessionRecord, entry: CodeEntry) -> set[str | None]:
    return {charge.lacking for charge in charges_for(record, catalogue_of(entry))}


@pytest.mark.rule("BILL-1")
def test_a_code_that_the_catalogue_does_not_know_is_billed_as_the_template_says() -> None:
    record = group_of(2)
    assert charges_for(record, catalogue_of(an_entry(code="90849"))) == charges_for(record)


@pytest.mark.rule("BILL-1", "BILL-9")
def test_what_the_catalogue_says_counts_and_the_charge_names_the_entry_that_decided() -> None:
    entry = an_entry(units=QUARTERS, modifiers=("HQ", "TT"), place_of_service="11")
    (charge,) = charges_for(group_of(1, minutes=53), catalogue_of(entry))
    told = (charge.units, charge.modifiers, charge.place_of_service, charge.description)
    assert told == (4, ("HQ", "TT"), "11", "Group psychotherapy, by the catalogue")
    assert (charge.code_id, charge.code_version) == (entry.code_id, 3)


@pytest.mark.rule("BILL-9")
def test_what_the_catalogue_leaves_open_is_the_templates() -> None:
    (charge,) = charges_for(group_of(1, minutes=19, minimum_minutes=20), catalogue_of(an_entry()))
    told = (charge.units, charge.modifiers, charge.place_of_service, charge.lacking)
    assert told == (1, ("HQ",), "53", "19 minutes are under the minimum of 20.")


@pytest.mark.rule("BILL-3")
@pytest.mark.parametrize(
    ("entry", "record", "reason"),
    [
        (an_entry(effective_on=date(2026, 4, 1)), group_of(1), "90853 is not effective on 2026-03-10."),
        (an_entry(ends_on=date(2026, 3, 9)), group_of(1), "90853 is not effective on 2026-03-10."),
        (an_entry(smallest_group=4), group_of(3), "A group of 3 is under the smallest of 4."),
        (an_entry(largest_group=2), group_of(3), "A group of 3 is over the largest of 2."),
        (
            an_entry(bands=(GroupBand(smallest=4, largest=8),)),
            group_of(3),
            "A group of 3 is in none of the bands of its code.",
        ),
        (
            an_entry(units=QUARTERS, maximum_units=2),
            group_of(1, minutes=45),
            "3 units are over the maximum of 2.",
        ),
        (
            an_entry(minimum_minutes=60),
            group_of(1, minutes=50),
            "50 minutes are under the minimum of 60.",
        ),
    ],
    ids=["not yet", "no more", "too few", "too many", "no band", "too many units", "too short"],
)
def test_what_the_catalogue_does_not_allow_is_held_with_the_reason(
    entry: CodeEntry, record: SessionRecord, reason: str
) -> None:
    assert held(record, entry) == {reason}


@pytest.mark.rule("BILL-9")
@pytest.mark.parametrize(
    ("size", "modifiers"), [(2, ("HQ",)), (6, ("HQ",)), (7, ("HQ", "TT")), (40, ("HQ", "TT"))]
)
def test_the_band_of_the_groups_size_adds_its_modifiers(size: int, modifiers: tuple[str, ...]) -> None:
    bands = (GroupBand(smallest=2, largest=6), GroupBand(smallest=7, largest=None, modifiers=("TT", "HQ")))
    charges = charges_for(group_of(size), catalogue_of(an_entry(bands=bands)))
    assert {charge.modifiers for charge in charges} == {modifiers}


@pytest.mark.rule("BILL-1")
def test_a_code_that_is_per_diem_by_the_catalogue_is_reported_and_not_charged() -> None:
    assert charges_for(group_of(2), catalogue_of(an_entry(mode="per_diem"))) == []


@pytest.mark.rule("BILL-1")
def test_a_code_that_is_ancillary_by_the_catalogue_is_charged_in_a_per_diem_group() -> None:
    record = group_of(2, mode="per_diem")
    assert len(charges_for(record, catalogue_of(an_entry(mode="ancillary")))) == 2


@pytest.mark.rule("BILL-1")
@given(days=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 100)), max_size=6), on=st.integers(0, 500))
def test_the_period_that_holds_on_a_day_is_found_wherever_it_stands(
    days: list[tuple[int, int]], on: int
) -> None:
    first = date(2026, 1, 1)
    periods = [
        an_entry(effective_on=first + timedelta(days=begin), ends_on=first + timedelta(days=begin + length))
        for begin, length in days
    ]
    if overlapping(periods):
        return
    day = first + timedelta(days=on)
    holding = [one for one in periods if one.holds_on(day)]
    found = entry_for(catalogue_of(*periods), CodeKind.CCODE, "90853", on=day)
    assert (found if found and found.holds_on(day) else None) == (holding[0] if holding else None)
    assert (found is None) == (not periods)
