import asyncio
import json
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import Row, Table, select

from deploy.embedded.demo.plan import GROUPS
from deploy.embedded.demo.sample import write_sample
from deploy.embedded.folder import DataFolder
from deploy.operations.where import Where
from services.charts.models import chart_note
from services.charts.sealed_columns import SEALED as CHARTS
from services.sessions.directory.models import PATIENT
from services.sessions.metadata import LEDGER
from services.sessions.sealed_columns import SEALED as SESSIONS
from shared.observability.tracing import trace_id_of
from shared.testing.databases import opened_rows
from tests.end_to_end.demo_run import DemoRun, start_demo
from tests.support.collector import Collector, collector

PARTS_TO_KILL = (
    "sessions.relay",
    "charts.worker",
    "broker",
    "billing_bridge.worker",
    "sessions.worker",
    "billing_bridge.pusher",
    "printing.worker",
    "printing.relay",
    "printing.render_worker",
)
SEALED = {"charts": CHARTS, "sessions": SESSIONS}
KILLS = 3 * len(PARTS_TO_KILL)
SECONDS_BETWEEN_KILLS = 0.05

# First in the alphabet, so that the patient belongs to every group.
PLANTED_FIRST, PLANTED_LAST, PLANTED_MRN = "Quintessa", "Aabrüggenfeld", "MRN-PLANTED-7Q"

THE_WAY = {
    ("opencircle.api", "request"),
    ("opencircle.sessions.relay", "ring charts"),
    ("opencircle.charts.worker", "consume charts"),
    ("opencircle.billing_bridge.worker", "consume billing_bridge"),
    ("opencircle.billing_bridge.pusher", "push"),
    ("opencircle.printing.worker", "consume printing"),
}

SAMPLES_DAY = {
    "sessions": 4,
    "present": 72,
    "absent": 13,
    "notes": 85,
    "charges_due": 38,
    "charges_accepted": 38,
    "sheets": 4,
    "open_deliveries": 0,
}


@pytest.fixture(scope="module")
def collected() -> Iterator[Collector]:
    with collector() as there:
        yield there


@pytest.fixture(scope="module")
def planted_day(
    tmp_path_factory: pytest.TempPathFactory, collected: Collector
) -> tuple[DemoRun, dict[str, Any]]:
    """A day on the sample, with one patient whose name stands nowhere else in the world."""
    data = tmp_path_factory.mktemp("fhir")
    write_sample(data)
    patients = data / "Patient.000.ndjson"
    first, *others = patients.read_text(encoding="utf-8").splitlines()
    planted = json.loads(first)
    planted["name"] = [{"use": "official", "given": [PLANTED_FIRST], "family": PLANTED_LAST}]
    planted["identifier"][0]["value"] = PLANTED_MRN
    patients.write_text("\n".join([json.dumps(planted), *others]), encoding="utf-8")
    # Sent often, so that what is stopped at the end has hardly one left.
    traced = {"OPENCIRCLE_OTLP_ENDPOINT": collected.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    run = start_demo(tmp_path_factory.mktemp("day"), data=data, settings=traced)
    return run, run.figures()


def test_a_clinic_day_ends_with_every_note_charge_and_sheet(
    planted_day: tuple[DemoRun, dict[str, Any]],
) -> None:
    _, figures = planted_day
    assert {name: figures[name] for name in SAMPLES_DAY} == SAMPLES_DAY


@pytest.mark.rule("DIST-3")
def test_no_chart_note_names_another_patient(planted_day: tuple[DemoRun, dict[str, Any]]) -> None:
    run, _ = planted_day
    people = {
        one.id.hex: (one.first_name, one.last_name, one.mrn) for one in _opened(run, "sessions", PATIENT)
    }
    assert people
    for patient_id, content in _contents(run):
        for other, (first, last, mrn) in people.items():
            if other != patient_id:
                assert f"{first} {last}" not in content
                assert mrn not in content
                assert str(other) not in content.replace("-", "")


def test_a_planted_name_is_in_no_broker_file_and_no_log(planted_day: tuple[DemoRun, dict[str, Any]]) -> None:
    run, _ = planted_day
    files = [*(run.deployment / "logs").rglob("*"), *(run.deployment / "broker").rglob("*")]
    found = [file for file in files if file.is_file() and _holds_the_planted(file.read_bytes())]
    assert found == []


def test_the_planted_name_is_in_the_chart_that_it_belongs_to(
    planted_day: tuple[DemoRun, dict[str, Any]],
) -> None:
    run, _ = planted_day
    assert sum(_holds_the_planted(content.encode()) for _, content in _contents(run)) == len(GROUPS)


def test_one_trace_leads_from_a_signature_to_chart_and_push(
    planted_day: tuple[DemoRun, dict[str, Any]],
) -> None:
    run, _ = planted_day
    events = [json.loads(one.body) for one in _opened(run, "sessions", LEDGER.event)]
    signed = {trace_id_of(one["traceparent"]) for one in events if "group_session" in one["type"]}
    log = (run.deployment / "logs" / "charts.worker.log").read_text().splitlines()
    # Celery warns in plain text when a trial runs as root.
    told = [json.loads(line) for line in log if line.startswith("{")]
    filed = {trace for line in told for trace in line.get("trace_ids", ())}
    charged = {trace_id_of(row[0]) for row in _rows(run, "billing_bridge", "SELECT traceparent FROM charge")}
    assert charged
    assert charged <= signed & filed


@pytest.mark.xdist_group("demo")
def test_a_collector_sees_the_whole_way_of_a_signature_as_one_trace(
    planted_day: tuple[DemoRun, dict[str, Any]], collected: Collector
) -> None:
    run, _ = planted_day
    charged = {trace_id_of(row[0]) for row in _rows(run, "billing_bridge", "SELECT traceparent FROM charge")}
    assert {trace.hex() for trace, spans in collected.traces().items() if spans >= THE_WAY} == charged
    # Ids, times and our own words are all that a span has.
    assert not any(one.attributes or one.events for _, one in collected.spans)


@pytest.mark.timeout(300)
@pytest.mark.rule("DIST-5", "DIST-6", "BILL-5")
def test_killing_every_part_during_the_day_changes_nothing_in_the_end(tmp_path: Path) -> None:
    run = start_demo(tmp_path)
    killed = list(_kill_in_turn(run))
    figures = run.figures()
    assert {name: figures[name] for name in SAMPLES_DAY} == SAMPLES_DAY
    assert set(killed) == set(PARTS_TO_KILL)


def _kill_in_turn(run: DemoRun) -> Iterator[str]:
    _wait_for_first_session(run)
    parts = cycle(PARTS_TO_KILL)
    for _ in range(KILLS):
        if run.ended():
            return
        part = next(parts)
        pid = run.pid_of(part)
        if part == "broker":
            _wipe_broker(run)
        if pid is not None and _killed(pid):
            yield part
        time.sleep(SECONDS_BETWEEN_KILLS)


def _killed(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _wait_for_first_session(run: DemoRun) -> None:
    while not run.ended():
        if run.pid_of("printing.render_worker") and _started_sessions(run):
            return
        time.sleep(0.02)


def _started_sessions(run: DemoRun) -> int:
    try:
        return len(_rows(run, "sessions", "SELECT id FROM group_session WHERE status <> 'upcoming'"))
    except sqlite3.OperationalError:  # before the first migration
        return 0


def _wipe_broker(run: DemoRun) -> None:
    """Lose all that the broker holds, in memory and on disk; it is killed next."""
    # One that is starting again just now holds nothing.
    with suppress(FileNotFoundError, redis.ConnectionError):
        title = Path(f"/proc/{run.pid_of('broker')}/cmdline").read_text(encoding="utf-8")
        socket = re.search(r"[^\s:\0]+/broker\.sock", title)
        with redis.Redis(unix_socket_path=socket[0] if socket else "") as client:
            client.flushall()


def _rows(run: DemoRun, service: str, statement: str) -> list[tuple[Any, ...]]:
    file = run.deployment / f"{service}.sqlite3"
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute(statement).fetchall()


def _contents(run: DemoRun) -> list[tuple[str, str]]:
    """Give the patient of each note, and what the note says."""
    return [(row.patient_id.hex, row.content) for row in _opened(run, "charts", chart_note)]


def _opened(run: DemoRun, service: str, table: Table) -> list[Row[Any]]:
    sealed = [one for one in SEALED[service] if one.table == table.name]

    async def read() -> list[Row[Any]]:
        async with Where(folder=DataFolder(root=run.deployment)).databases(service) as databases:
            return await opened_rows(databases[service], select(table), sealed)

    return asyncio.run(read())


def _holds_the_planted(text: bytes) -> bool:
    marks = (PLANTED_FIRST, PLANTED_LAST, PLANTED_MRN)
    return any(form.encode() in text for mark in marks for form in (mark, json.dumps(mark)[1:-1]))
