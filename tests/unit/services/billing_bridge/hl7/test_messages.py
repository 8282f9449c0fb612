from dataclasses import replace
from typing import Any

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message
from hypothesis import given
from hypothesis import strategies as st

from services.billing_bridge.connectors import CONNECTORS
from services.billing_bridge.domain import Charge, ClaimForm, charges_for
from services.billing_bridge.hl7.connector import Hl7Settings, faults_of
from services.billing_bridge.hl7.escaping import escaped
from services.billing_bridge.hl7.messages import message_of
from services.billing_bridge.hl7.profile import Profile
from shared.identifiers import new_id
from shared.notices import NOTICE
from shared.testing.records import TUESDAY, a_patient, a_session_record

HL7_KINDS = {
    name: kind.settings for name, kind in CONNECTORS.items() if issubclass(kind.settings, Hl7Settings)
}
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def profile_of(name: str, **changes: Any) -> Profile:
    return HL7_KINDS[name].base.changed_by(changes)


def a_charge(**changes: Any) -> Charge:
    (charge,) = charges_for(a_session_record(present=1, absent=0))
    return replace(charge, **changes)


def two_charges() -> list[Charge]:
    first = a_charge()
    return [first, replace(first, charge_id=new_id(), code="H0004", units=3)]


def written(charges: list[Charge], profile: Profile, *, reversing: bool = False) -> str:
    return message_of(charges, profile, reversing=reversing, at=TUESDAY).content.decode()


def lines(text: str, segment: str) -> list[list[str]]:
    return [line.split("|") for line in text.split("\r") if line.startswith(segment)]


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize("reversing", [False, True])
@pytest.mark.parametrize("acknowledgement", ["original", "commit", "application"])
@pytest.mark.parametrize("name", HL7_KINDS)
def test_a_message_is_valid_by_an_independent_reader(
    name: str, acknowledgement: str, reversing: bool
) -> None:
    profile = profile_of(name, acknowledgement=acknowledgement)
    text = written(two_charges(), profile, reversing=reversing)
    message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT)
    assert message.validate()
    assert message.msh.msh_9.to_er7() == "DFT^P03^DFT_P03"


@pytest.mark.rule("BILL-4")
def test_a_patients_charges_of_a_session_are_one_message_with_a_transaction_each() -> None:
    text = written(two_charges(), profile_of("hl7"))
    assert len(lines(text, "PID")) == 1
    assert [(one[1], one[4], one[6]) for one in lines(text, "FT1")] == [
        ("1", "20260310", "CG"),
        ("2", "20260310", "CG"),
    ]
    assert {(one[7].partition("^")[0], one[10]) for one in lines(text, "FT1")} == {
        ("90853", "1"),
        ("H0004", "3"),
    }


@pytest.mark.rule("BILL-5")
def test_each_transaction_keeps_its_id_whatever_it_is_sent_with() -> None:
    first, second = two_charges()
    together = {line[2] for line in lines(written([first, second], profile_of("hl7")), "FT1")}
    apart = {lines(written([one], profile_of("hl7")), "FT1")[0][2] for one in (first, second)}
    assert together == apart
    assert all(len(one) == 12 for one in together)


@pytest.mark.rule("BILL-5")
def test_the_same_charges_in_any_order_are_the_same_message() -> None:
    first, second = two_charges()
    assert written([first, second], profile_of("hl7")) == written([second, first], profile_of("hl7"))


@pytest.mark.rule("BILL-6")
def test_a_reversal_is_a_credit_that_names_the_charge() -> None:
    charge = a_charge()
    (line,) = lines(written([charge], profile_of("hl7"), reversing=True), "FT1")
    assert (line[6], line[23]) == ("CD", f"{charge.charge_id}^OPENCIRCLE")


@pytest.mark.rule("BILL-6")
def test_a_partner_can_want_reversals_as_p11() -> None:
    profile = profile_of("hl7", reversals={"event": "P11"})
    text = written([a_charge()], profile, reversing=True)
    assert lines(text, "MSH")[0][8] == "DFT^P11^DFT_P11"
    assert parse_message(text, validation_level=VALIDATION_LEVEL.STRICT).validate()


def test_an_institutional_charge_tells_its_revenue_code() -> None:
    charge = a_charge(form=ClaimForm.INSTITUTIONAL, code="H0015", revenue_code="0905")
    (line,) = lines(written([charge], profile_of("hl7")), "FT1")
    assert (line[13], line[25]) == ("0905", "H0015^Group psychotherapy^HCPCS")


def test_several_modifiers_repeat() -> None:
    (line,) = lines(written([a_charge(modifiers=("HQ", "GT"))], profile_of("hl7")), "FT1")
    assert line[26] == "HQ~GT"


@given(text=TEXT)
def test_any_text_is_read_back_as_it_is(text: str) -> None:
    charge = a_charge(description=text, mrn="M-1")
    message = hl7.parse(written([charge], profile_of("hl7")))
    field = message.segment("FT1")(7)
    component = field[0][1] if len(field[0]) > 1 else [""]
    assert message.unescape(str(component[0])) == text


@given(text=TEXT)
def test_no_text_parts_or_ends_anything(text: str) -> None:
    assert set(escaped(text)).isdisjoint("|^~&\r\n\x0b\x1c\x00")


@pytest.mark.rule("DIST-3")
def test_no_clinical_text_and_no_other_patients_name_goes_out() -> None:
    record = a_session_record(present=3)
    first, *_ = charges_for(record)
    sent = "".join(written([first], profile_of(name)) for name in HL7_KINDS)
    texts = [record.topic, record.description, str(record.participants[0].individual_note)]
    texts += [text for one in record.participants[1:] for text in (one.printed_name.split()[0], one.mrn)]
    assert [text for text in texts if text in sent] == []


@pytest.mark.rule("BILL-4")
@pytest.mark.parametrize("name", HL7_KINDS)
def test_the_patient_is_named_in_pid_5_as_the_standard_requires(name: str) -> None:
    anna = a_patient(0, family_name="Okafor", given_names=("Anna", "Maria"))
    (charge,) = charges_for(a_session_record(participants=(anna,)))
    assert lines(written([charge], profile_of(name)), "PID")[0][5] == "Okafor^Anna^Maria^^^^L"


def test_of_an_older_record_the_last_word_of_the_printed_name_is_the_family_name() -> None:
    assert lines(written([a_charge()], profile_of("hl7")), "PID")[0][5] == "Okafor^Anna^^^^^L"


def test_a_charge_from_before_names_were_kept_says_that_it_has_none() -> None:
    charge = a_charge(patient_family=None, patient_given=None)
    assert lines(written([charge], profile_of("hl7")), "PID")[0][5] == "^^^^^^U"


def test_the_notice_of_redisclosure_follows_each_transaction() -> None:
    message = message_of(
        two_charges(), profile_of("hl7"), reversing=False, at=TUESDAY, notice=NOTICE
    ).content.decode()
    assert [line[3] for line in lines(message, "NTE")] == [NOTICE, NOTICE]
    assert parse_message(message, validation_level=VALIDATION_LEVEL.STRICT).validate()


def test_without_a_notice_there_is_no_note() -> None:
    assert lines(written([a_charge()], profile_of("hl7")), "NTE") == []


def test_avea_finds_the_mr_number_of_the_episode_and_the_code_by_its_description() -> None:
    charge = a_charge()
    text = written([charge], profile_of("avea"))
    assert lines(text, "PV1")[0][50] == f"{charge.mrn}^^^OPENCIRCLE^MR"
    assert lines(text, "FT1")[0][7].startswith("Group psychotherapy^")


@pytest.mark.rule("BILL-3")
@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("avea", {"description": "Group (adult)"}, "parenthesis"),
        ("avea", {"provider_npi": None}, "NPI"),
        ("cmd", {"provider_npi": None}, "NPI"),
    ],
)
def test_what_a_partner_would_misread_is_told_before_it_is_sent(
    name: str, changes: dict[str, Any], said: str
) -> None:
    (fault,) = faults_of([a_charge(**changes)], profile_of(name))
    assert said in fault


def test_hl7_as_such_requires_no_npi() -> None:
    assert list(faults_of([a_charge(provider_npi=None)], profile_of("hl7"))) == []


@pytest.mark.rule("BILL-5")
def test_no_receiver_that_claims_every_message_can_be_called_deduplicating() -> None:
    assert not CONNECTORS["cmd"].may_deduplicate


def test_cmd_is_sent_no_price() -> None:
    (line,) = lines(written([a_charge()], profile_of("cmd")), "FT1")
    assert (line[11], line[12]) == ("", "")


def test_a_connection_can_move_a_value_without_code() -> None:
    profile = profile_of("hl7", fields={"FT1-29": "{charge_id}", "MSH-5": "ACME"})
    text = written([a_charge()], profile)
    assert (lines(text, "MSH")[0][4], len(lines(text, "FT1")[0])) == ("ACME", 30)


@pytest.mark.parametrize(
    "changes",
    [
        {"fields": {"FT1-2": "{individual_note}"}},
        {"fields": {"FT1-2": "{code.__class__}"}},
        {"fields": {"first": "x"}},
        {"answers": {"AA": "perhaps"}},
        {"unheard_of": 1},
    ],
)
def test_a_profile_that_can_not_be_understood_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        profile_of("hl7", **changes)
