import csv
import hashlib
import io
import json
from pathlib import Path

import pytest

from services.billing_bridge.batches import batch_of
from services.billing_bridge.connectors.batch.files import is_there, lay_down
from services.billing_bridge.domain import Charge, charges_for
from shared.testing.records import a_session_record


def some_charges() -> list[Charge]:
    return charges_for(a_session_record(present=3, absent=0))


@pytest.mark.rule("BILL-4")
def test_the_totals_are_those_of_the_file() -> None:
    batch = batch_of(some_charges(), reversing=False)
    rows, totals = list(csv.DictReader(io.StringIO(batch.content.decode()))), json.loads(batch.totals)
    assert totals == {
        "file": f"{batch.name}.csv",
        "kind": "charges",
        "lines": len(rows),
        "patients": len({row["mrn"] for row in rows}),
        "units": sum(int(row["units"]) for row in rows),
        "minutes": sum(int(row["minutes"]) for row in rows),
        "bytes": len(batch.content),
        "sha256": hashlib.sha256(batch.content).hexdigest(),
    }


@pytest.mark.rule("BILL-5")
def test_the_same_charges_in_any_order_are_the_same_file() -> None:
    charges = some_charges()
    assert batch_of(charges, reversing=False) == batch_of(charges[::-1], reversing=False)


@pytest.mark.rule("BILL-6")
def test_reversals_have_a_file_of_their_own_and_void_what_they_name() -> None:
    charges = some_charges()
    there, back = batch_of(charges, reversing=False), batch_of(charges, reversing=True)
    rows = list(csv.DictReader(io.StringIO(back.content.decode())))
    assert there.name != back.name
    assert {row["frequency_code"] for row in rows} == {"8"}
    assert {row["charge_id"] for row in rows} == {str(one.charge_id) for one in charges}


def test_it_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    batch = batch_of(some_charges(), reversing=False)
    assert not is_there(tmp_path, batch)
    lay_down(tmp_path, batch)
    assert is_there(tmp_path, batch)
    (tmp_path / f"{batch.name}.totals.json").unlink()
    assert not is_there(tmp_path, batch)


def test_nothing_half_written_is_left_and_strangers_read_nothing(tmp_path: Path) -> None:
    batch = batch_of(some_charges(), reversing=False)
    lay_down(tmp_path, batch)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        f"{batch.name}.csv",
        f"{batch.name}.totals.json",
    ]
    assert {one.stat().st_mode & 0o007 for one in tmp_path.iterdir()} == {0}


def test_no_name_of_a_patient_is_in_it() -> None:
    record = a_session_record()
    content = batch_of(charges_for(record), reversing=False).content.decode()
    assert [one.printed_name for one in record.participants if one.printed_name in content] == []
