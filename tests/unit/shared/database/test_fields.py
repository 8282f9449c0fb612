from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from shared.database.fields import (
    BLIND_VERSION,
    FIRST_VERSION,
    DataKey,
    Fields,
    FieldUnsealableError,
    fields_from,
    new_data_key,
    row_key,
    unwrapped,
)
from shared.messaging.sealing import KeyRing, UnsealableError, new_key_ring

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
CLINIC, ROW = uuid4(), uuid4()
PLACE = "roster_entry.individual_note"
TEXT = "Margaret said: »être là« 家 😀"
KEYS = [new_data_key(version, used_from=NOW) for version in (BLIND_VERSION, FIRST_VERSION)]
FIELDS = fields_from(KEYS, instance_id=CLINIC, at=NOW)


def of(instance_id: UUID, keys: list[DataKey] = KEYS, *, at: datetime = NOW) -> Fields:
    return fields_from(keys, instance_id=instance_id, at=at)


def test_what_was_sealed_opens_as_it_was_written() -> None:
    assert FIELDS.unseal(FIELDS.seal(TEXT, place=PLACE, row=ROW), place=PLACE, row=ROW) == TEXT


def test_a_text_that_is_missing_stays_missing() -> None:
    assert FIELDS.seal_any(None, place=PLACE, row=ROW) is None
    assert FIELDS.unseal_any(None, place=PLACE, row=ROW) is None


def test_a_long_text_is_kept_in_less_room() -> None:
    long = TEXT * 1000
    sealed = FIELDS.seal(long, place=PLACE, row=ROW)
    assert sealed.startswith("z1.")
    assert len(sealed) < len(long) / 10
    assert FIELDS.unseal(sealed, place=PLACE, row=ROW) == long
    with pytest.raises(FieldUnsealableError):
        FIELDS.unseal(f"s{sealed[1:]}", place=PLACE, row=ROW)


def test_json_opens_as_it_was() -> None:
    value = {"problems": ["grief", None], "minutes": 50}
    sealed = FIELDS.seal_json(value, place=PLACE, row=row_key(CLINIC, ROW))
    assert FIELDS.unseal_json(sealed, place=PLACE, row=f"{CLINIC}/{ROW}") == value


def test_the_first_key_seals_even_where_the_clock_is_behind() -> None:
    assert of(CLINIC, at=NOW - timedelta(seconds=3)).seal(TEXT, place=PLACE, row=ROW).startswith("s1.")


def test_no_key_is_ever_shown() -> None:
    assert "secret" not in repr(KEYS[1])
    assert repr(FIELDS) == f"Fields(instance_id={CLINIC!r}, sealing=1)"


def test_the_same_text_is_never_sealed_the_same() -> None:
    assert FIELDS.seal(TEXT, place=PLACE, row=ROW) != FIELDS.seal(TEXT, place=PLACE, row=ROW)


@pytest.mark.parametrize(
    ("fields", "place", "row"),
    [
        pytest.param(FIELDS, PLACE, uuid4(), id="another row"),
        pytest.param(FIELDS, "roster_entry.absence_reason", ROW, id="another column"),
        pytest.param(of(uuid4()), PLACE, ROW, id="another instance"),
        pytest.param(
            of(CLINIC, [KEYS[0], new_data_key(FIRST_VERSION, used_from=NOW)]), PLACE, ROW, id="another key"
        ),
    ],
)
def test_a_field_opens_in_its_own_place_alone(fields: Fields, place: str, row: UUID) -> None:
    sealed = FIELDS.seal(TEXT, place=PLACE, row=ROW)
    with pytest.raises(FieldUnsealableError) as refused:
        fields.unseal(sealed, place=place, row=row)
    assert TEXT not in str(refused.value)


@pytest.mark.parametrize("broken", ["", "plain text", "s1.", "s9.AAAA", "s1.AAAA", "sx.AAAA"])
def test_what_was_never_sealed_does_not_open(broken: str) -> None:
    with pytest.raises(FieldUnsealableError):
        FIELDS.unseal(broken, place=PLACE, row=ROW)


def test_a_new_key_seals_once_it_has_rested_and_the_old_one_still_opens() -> None:
    newer = [*KEYS, new_data_key(2, used_from=NOW + timedelta(minutes=5))]
    old = FIELDS.seal(TEXT, place=PLACE, row=ROW)
    assert of(CLINIC, newer).seal(TEXT, place=PLACE, row=ROW).startswith("s1.")
    later = of(CLINIC, newer, at=NOW + timedelta(minutes=5))
    assert later.seal(TEXT, place=PLACE, row=ROW).startswith("s2.")
    assert later.unseal(old, place=PLACE, row=ROW) == TEXT


def test_a_blind_index_finds_equal_values_of_one_place() -> None:
    assert FIELDS.blind("MRN-1", place="patient.mrn") == FIELDS.blind("MRN-1", place="patient.mrn")
    others = {
        FIELDS.blind("MRN-2", place="patient.mrn"),
        FIELDS.blind("MRN-1", place="charge.mrn"),
        of(CLINIC, [new_data_key(BLIND_VERSION, used_from=NOW), KEYS[1]]).blind("MRN-1", place="patient.mrn"),
    }
    assert len(others) == 3
    assert FIELDS.blind("MRN-1", place="patient.mrn") not in others


def test_a_data_key_opens_by_its_master_key_for_its_own_instance_alone() -> None:
    ring, key = KeyRing.parse(new_key_ring()), KEYS[1]
    wrapped = key.wrapped_by(ring, CLINIC)
    assert unwrapped(wrapped, instance_id=CLINIC, version=1, used_from=NOW, by=ring) == key
    with pytest.raises(UnsealableError):
        unwrapped(wrapped, instance_id=uuid4(), version=1, used_from=NOW, by=ring)
    with pytest.raises(UnsealableError):
        unwrapped(wrapped, instance_id=CLINIC, version=1, used_from=NOW, by=KeyRing.parse(new_key_ring()))
