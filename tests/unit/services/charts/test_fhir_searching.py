from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.charts.fhir.searching import NoDateError, note_of, one_patient, patient_of, range_of
from shared.identifiers import new_id
from shared.web.problems import InvalidProblem


@pytest.mark.parametrize(
    ("text", "prefix", "low", "seconds"),
    [
        ("2026", "eq", "2026-01-01T00:00:00Z", 365 * 86400),
        ("ge2024-02", "ge", "2024-02-01T00:00:00Z", 29 * 86400),
        ("lt2026-12", "lt", "2026-12-01T00:00:00Z", 31 * 86400),
        ("2026-03-10", "eq", "2026-03-10T00:00:00Z", 86400),
        ("sa2026-03-10T09:00", "sa", "2026-03-10T09:00:00Z", 60),
        ("2026-03-10T09:00:01-05:00", "eq", "2026-03-10T14:00:01Z", 1),
        ("2026-03-10T09:00:01.5 01:00", "eq", "2026-03-10T08:00:01.5Z", 0.1),
    ],
)
def test_a_date_stands_for_the_time_that_it_spans(text: str, prefix: str, low: str, seconds: float) -> None:
    first = datetime.fromisoformat(low)
    assert range_of(text) == (prefix, first, first + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "text", ["", "2026-3-1", "ap2026", "2026-02-30", "2026-03-10T25:00", "0000", "٢٠٢٦", "Ada"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(NoDateError):
        range_of(text)


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_lies_within_its_own_day_and_month_and_year(moment: datetime) -> None:
    for precision in ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"):
        _, low, high = range_of(moment.strftime(precision).zfill(4))
        assert low <= moment < high


@pytest.mark.parametrize("form", ["{}", "urn:uuid:{}", "|urn:uuid:{}", "urn:ietf:rfc:3986|urn:uuid:{}"])
def test_a_note_is_named_by_its_identifier(form: str) -> None:
    note_id = new_id()
    assert note_of(form.format(note_id)) == note_id


@pytest.mark.parametrize("token", ["", "|", "http://other|urn:uuid:1", "urn:uuid:Ada"])
def test_another_identifier_is_refused_without_quoting_it(token: str) -> None:
    with pytest.raises(InvalidProblem) as refused:
        note_of(token)
    assert "Ada" not in str(refused.value.errors)


def test_a_patient_is_named_by_reference_or_id() -> None:
    patient_id = new_id()
    assert patient_of(f"Patient/{patient_id}", name="patient") == patient_id
    assert patient_of(str(patient_id), name="patient") == patient_id
    assert patient_of(None, name="patient") is None


def test_two_patients_at_once_are_refused_and_the_same_one_twice_is_one() -> None:
    one, other = str(UUID(int=1)), str(UUID(int=2))
    assert one_patient(patient=one, subject=f"Patient/{one}") == UUID(int=1)
    with pytest.raises(InvalidProblem):
        one_patient(patient=one, subject=other)


@pytest.mark.parametrize("text", ["9999", "9999-12", "9999-12-31"])
def test_the_end_of_the_calendar_ends_a_range(text: str) -> None:
    assert range_of(text)[2] == datetime.max.replace(tzinfo=UTC)
