from datetime import timedelta

import pytest

from services.billing_bridge.connectors.webhook.answers import outcome_of
from services.billing_bridge.outcomes import Outcome, Verdict
from services.billing_bridge.posting import Answer
from shared.testing.records import TUESDAY


def read(status: int, body: bytes = b"", **headers: str) -> Outcome:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = Answer(status=status, headers=named, body=body)
    return outcome_of(answer, hidden=("whsec_hidden", ""), now=TUESDAY)


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *[(status, Verdict.ACCEPTED) for status in (200, 201, 202, 204, 299)],
        *[(status, Verdict.REJECTED) for status in (300, 301, 302, 307, 308)],
        *[(status, Verdict.REJECTED) for status in (400, 401, 403, 404, 405, 410, 413, 422, 451)],
        *[(status, Verdict.NOT_TAKEN) for status in (425, 429)],
        *[(status, Verdict.UNKNOWN) for status in (408, 409, 500, 502, 503, 504)],
    ],
)
def test_what_a_status_means(status: int, verdict: Verdict) -> None:
    assert read(status).verdict is verdict


@pytest.mark.rule("BILL-5")
@pytest.mark.parametrize(
    "body",
    [b'{"duplicate": true}', b'{"code": "duplicate"}', b'{"type": "https://b.example/duplicate"}'],
)
def test_a_conflict_that_names_a_duplicate_is_an_acceptance(body: bytes) -> None:
    assert read(409, body).verdict is Verdict.ACCEPTED


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize("body", [b'{"receipt_id": "R-7"}', b'{"id": "R-7"}'])
def test_the_receipt_of_the_other_side_is_kept(body: bytes) -> None:
    assert read(201, body).receipt_id == "R-7"


@pytest.mark.parametrize(
    "body", [b"", b"ok", b"[1]", b'{"id": {"a": 1}}', b"\xff\xfe", b'{"receipt_id": true']
)
def test_an_answer_of_any_shape_is_read(body: bytes) -> None:
    assert read(200, body).receipt_id is None


def test_secrets_and_control_characters_are_not_kept() -> None:
    assert read(400, b"echo whsec_hidden\x00\x1b[2J").answer == "echo [hidden]  [2J"


def test_gone_pauses_the_connection() -> None:
    assert [status for status in (200, 404, 410, 500) if read(status).pauses_connection] == [410]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 10 Mar 2026 14:01:00 GMT", 60.0),
        ("Tue, 10 Mar 2026 13:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("Tue, 10 Mar 2026 14:01:00", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    assert read(503, retry_after=value).retry_after_seconds == seconds


def test_a_retry_after_of_a_year_is_read() -> None:
    assert (
        read(503, retry_after="9" * 400).retry_after_seconds == timedelta(seconds=999999999).total_seconds()
    )
