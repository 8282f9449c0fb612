import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

import services.billing_bridge.connectors.webhook
from services.billing_bridge.connectors.webhook.body import body_of, reversal_body_of
from services.billing_bridge.domain import charges_for
from shared.identifiers import new_id
from shared.testing.records import a_session_record

SCHEMA = Path(services.billing_bridge.connectors.webhook.__file__).parent / "charge.schema.json"


@pytest.fixture
def validator() -> Draft202012Validator:
    return Draft202012Validator(json.loads(SCHEMA.read_text()), format_checker=FormatChecker())


def test_a_charge_on_the_wire_is_what_the_schema_says(validator: Draft202012Validator) -> None:
    for charge in charges_for(a_session_record()):
        validator.validate(json.loads(body_of(charge)))


def test_every_field_of_the_schema_is_sent(validator: Draft202012Validator) -> None:
    schema: Any = validator.schema
    charge = replace(charges_for(a_session_record())[0], replaces=new_id())
    sent = json.loads(body_of(charge))["data"]
    assert set(sent) == set(schema["properties"]["data"]["properties"])


@pytest.mark.rule("BILL-5")
def test_the_same_charge_is_the_same_bytes() -> None:
    record = a_session_record()
    first, second = ([body_of(charge) for charge in charges_for(record)] for _ in range(2))
    assert first == second


def test_no_clinical_text_and_no_name_of_a_patient_goes_out() -> None:
    record = a_session_record()
    sent = b"".join(body_of(charge) for charge in charges_for(record)).decode()
    texts = [record.topic, record.description]
    texts += [text for one in record.participants for text in (one.printed_name, one.individual_note) if text]
    assert [text for text in texts if text in sent] == []


@pytest.mark.rule("BILL-6")
def test_a_reversal_on_the_wire_is_what_its_schema_says() -> None:
    schema = json.loads((SCHEMA.parent / "reversal.schema.json").read_text())
    for charge in charges_for(a_session_record()):
        sent = json.loads(reversal_body_of(charge))
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(sent)
        assert sent["data"]["charge_id"] == str(charge.charge_id)
