"""Which days of a life are in treatment."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sessions.directory.domain import Patient
from shared.identifiers import new_id

DAY = timedelta(days=1)
_DAYS = st.none() | st.dates(date(2026, 3, 1), date(2026, 3, 31))


def _patient(
    *, admitted_on: date | None = None, discharged_on: date | None = None, deceased_on: date | None = None
) -> Patient:
    return Patient(
        id=new_id(),
        mrn="MRN-1",
        first_name="Ada",
        middle_name=None,
        last_name="Chen",
        preferred_name=None,
        birth_date=None,
        deceased_on=deceased_on,
        admitted_on=admitted_on,
        discharged_on=discharged_on,
    )


@pytest.mark.rule("SCH-5")
@given(day=st.dates(date(2020, 1, 1), date(2030, 1, 1)))
def test_treatment_has_its_first_and_its_last_day(day: date) -> None:
    around = [day - DAY, day, day + DAY]
    seen = {
        edge: [_patient(**{edge: day}).in_treatment_on(one) for one in around]
        for edge in ("admitted_on", "discharged_on", "deceased_on")
    }
    assert seen == {
        "admitted_on": [False, True, True],
        "discharged_on": [True, True, False],
        "deceased_on": [True, False, False],
    }


@pytest.mark.rule("SCH-5")
@given(
    admitted_on=_DAYS,
    discharged_on=_DAYS,
    deceased_on=_DAYS,
    day=st.dates(date(2026, 3, 1), date(2026, 3, 31)),
)
def test_each_date_takes_days_away_and_none_gives_any(
    admitted_on: date | None, discharged_on: date | None, deceased_on: date | None, day: date
) -> None:
    whole = _patient(admitted_on=admitted_on, discharged_on=discharged_on, deceased_on=deceased_on)
    each = [
        _patient(admitted_on=admitted_on),
        _patient(discharged_on=discharged_on),
        _patient(deceased_on=deceased_on),
    ]
    assert whole.in_treatment_on(day) == all(one.in_treatment_on(day) for one in each)
