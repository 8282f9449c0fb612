import json
import re
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.operations.sizing import SIZES, Day, Measured, cli, size_for

PAGE = (Path(__file__).resolve().parents[4] / "docs/scaling.md").read_text()

ROUND = Measured(notes=1000, rings=100, pushes=100, sheets=10, requests=100, kibibytes=1024)
EASY = Day(patients=10, share_of_the_peak=0.5, peak_minutes=1, requests_of_a_session=20, busy=0.5)


def test_the_peak_is_a_share_of_the_day_in_some_minutes() -> None:
    size = size_for(1200, measured=ROUND, day=EASY)
    assert (size.signatures_a_second, size.requests_a_second) == (10, 200)
    assert (size.notes_a_second, size.charges_a_second) == (100, 100)


def test_no_process_is_busier_than_it_may_be() -> None:
    size = size_for(1200, measured=ROUND, day=EASY)
    assert (size.api, size.charts_workers, size.pushers, size.render_workers, size.relays) == (4, 1, 2, 2, 1)


def test_what_is_kept_grows_by_the_session() -> None:
    assert size_for(1200, measured=ROUND, day=EASY).database_gigabytes_a_year == pytest.approx(427.7, abs=0.1)


def test_the_smallest_clinic_needs_one_of_each() -> None:
    size = size_for(1)
    assert {size.api, size.charts_workers, size.relays, size.pushers, size.render_workers} == {1}


def test_the_page_shows_what_is_computed() -> None:
    rows = {
        cells[0]: cells[1:]
        for line in PAGE.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == len(SIZES) + 1
    }
    for name, values in zip(
        asdict(size_for(1)), zip(*(asdict(size_for(one)).values() for one in SIZES), strict=True), strict=True
    ):
        if name != "sessions_a_day":
            assert rows[name.replace("_", " ")] == [f"{value:,}" for value in values]


def test_the_page_says_where_each_rate_comes_from() -> None:
    for name, value in asdict(Measured()).items():
        assert re.search(rf"\| {name} \| {value:,} \|", PAGE), name


def test_anybody_can_compute_their_own() -> None:
    result = CliRunner().invoke(cli, ["2500", "--json"])
    assert json.loads(result.output) == [asdict(size_for(2500))]
