import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from shared.events.attention import SessionNeedsAttention, Waiting
from shared.events.catalogue import (
    EMERGENCY_ACCESS_ENDED,
    EMERGENCY_ACCESS_OPENED,
    EVENT_TYPES,
    PRINT_JOB_QUEUED,
    SESSION_ANNOTATED,
    SESSION_COMPLETED,
    SESSION_NEEDS_ATTENTION,
    SESSION_RETRACTED,
    SESSION_REVIEWED,
    SETTINGS_CHANGED,
    SHEET_REQUESTED,
    SHEETS_REQUESTED,
    STAFF_ACCESS_CHANGED,
    parse,
)
from shared.events.contract import Contract
from shared.events.emergency import EmergencyAccess
from shared.events.schemas.__main__ import FOLDER, main, schema_of
from shared.events.sheet import PrintJobQueued, SignInSheet, SignInSheets
from shared.events.staff import Feature, Role, StaffAccess, StaffAccessChanged
from shared.testing.corrections import an_annotation, annotated, retraction_of
from shared.testing.records import TUESDAY, a_session_record, enveloped
from shared.web.instance_settings import NOTHING_HEARD

SHEET = SignInSheet(
    job_id=uuid4(),
    session_id=uuid4(),
    location_name="Main Street",
    time_zone="America/Chicago",
    group_title="Process Group",
    starts_at=TUESDAY,
    duration_minutes=50,
    leaders=("Margaret Chen, LCSW",),
    names=("Anna K.",),
)
ACCESS = StaffAccess(
    user_id=uuid4(), version=1, active=True, roles=frozenset(Role), features=frozenset(Feature)
)
EMERGENCY = EmergencyAccess(access_id=uuid4(), user_id=uuid4(), patient_id=uuid4(), until=TUESDAY)
EXAMPLES: dict[str, Contract] = {
    SESSION_COMPLETED: a_session_record(),
    SESSION_REVIEWED: a_session_record(billing=None),
    SESSION_ANNOTATED: annotated(a_session_record(), an_annotation(uuid4())),
    SESSION_RETRACTED: retraction_of(a_session_record()),
    SESSION_NEEDS_ATTENTION: SessionNeedsAttention(
        session_id=uuid4(), waiting=Waiting.AWAITING_REVIEW, user_ids=(uuid4(),)
    ),
    SETTINGS_CHANGED: NOTHING_HEARD,
    SHEET_REQUESTED: SHEET,
    SHEETS_REQUESTED: SignInSheets(job_id=SHEET.job_id, sheets=(SHEET, SHEET)),
    PRINT_JOB_QUEUED: PrintJobQueued(job_id=uuid4()),
    STAFF_ACCESS_CHANGED: StaffAccessChanged(members=(ACCESS,)),
    EMERGENCY_ACCESS_OPENED: EMERGENCY,
    EMERGENCY_ACCESS_ENDED: EMERGENCY,
}


def _body(event_type: str) -> dict[str, Any]:
    envelope = enveloped(EXAMPLES[event_type], event_type=event_type)
    body: dict[str, Any] = json.loads(envelope.model_dump_json())
    return body


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _objects(one)


def test_the_committed_schemas_are_the_codes_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(check=True) == 0, capsys.readouterr().out


def test_there_is_an_example_of_every_type() -> None:
    assert EXAMPLES.keys() == EVENT_TYPES.keys()


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_what_is_published_is_what_the_schema_says(event_type: str) -> None:
    schema = json.loads((FOLDER / f"{event_type}.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        _body(event_type)
    )


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_a_schema_describes_every_field(event_type: str) -> None:
    described = json.loads(schema_of(event_type))["properties"]
    assert described.keys() == _body(event_type).keys()


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_event_comes_back_as_it_went(event_type: str) -> None:
    assert parse(json.dumps(_body(event_type)), event_type).data == EXAMPLES[event_type]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_fields_that_a_newer_writer_added_are_left_alone(event_type: str) -> None:
    body = _body(event_type)
    for one in list(_objects(body)):
        one["added_later"] = {"by": "a newer writer"}
    assert parse(json.dumps(body), event_type).data == EXAMPLES[event_type]


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_an_older_writer_may_leave_out_what_is_optional(event_type: str) -> None:
    body = _body(event_type)
    for name in ("specversion", "datacontenttype", "traceparent"):
        del body[name]
    assert parse(json.dumps(body), event_type).data == EXAMPLES[event_type]


def test_an_older_sheet_says_nothing_of_paper_and_language() -> None:
    body = _body(SHEET_REQUESTED)
    for name in ("spare_rows", "paper", "language"):
        del body["data"][name]
    assert parse(json.dumps(body), SHEET_REQUESTED).data == SHEET


REQUIRED = {
    SESSION_COMPLETED: {
        "session_id", "documentation_id", "version", "location", "group", "started_at", "ended_at", "topic",
        "description", "leaders", "participants", "signatures", "billing",
    },
    SHEET_REQUESTED: {
        "job_id", "session_id", "location_name", "time_zone", "group_title", "starts_at", "duration_minutes",
        "leaders", "names",
    },
    PRINT_JOB_QUEUED: {"job_id"},
    STAFF_ACCESS_CHANGED: {"members"},
}  # fmt: skip
"""What version 1 has always told. A field that is added must be optional; anything else is a new type."""


@pytest.mark.parametrize(("event_type", "required"), REQUIRED.items())
def test_version_one_demands_no_more_than_it_always_did(event_type: str, required: set[str]) -> None:
    assert set(EVENT_TYPES[event_type].model_json_schema()["required"]) == required


def test_a_record_from_before_times_and_reasons_travelled_is_still_read() -> None:
    body = _body(SESSION_COMPLETED)
    for participant in body["data"]["participants"]:
        for name in ("arrived_at", "left_at", "absence_reason", "problems"):
            del participant[name]
    record = parse(json.dumps(body), SESSION_COMPLETED).data
    assert {(one.arrived_at, one.absence_reason, one.problems) for one in record.participants} == {
        (None, None, ())
    }
