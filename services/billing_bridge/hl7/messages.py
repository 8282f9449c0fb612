"""DFT messages: one for a patient's charges of one session, with FT1 for each."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from services.billing_bridge.domain import Charge
from services.billing_bridge.hl7.escaping import REPETITION, escaped
from services.billing_bridge.hl7.profile import Profile, Segments

CONTROL_ID_LETTERS: Final = 20
TRANSACTION_ID_LETTERS: Final = 12
"""The lengths of MSH-10 and FT1-2 in HL7 2.5.1: a receiver that cuts longer ones would see doubles."""

LEGAL, UNSPECIFIED = "L", "U"
"""Kinds of names (table 0200)."""
BYTES_LOOKED_AT: Final = 15

_UNMARKED: Final = str.maketrans("", "", "-:T")
ASKED: Final = {"original": ("", ""), "commit": ("AL", "NE"), "application": ("AL", "AL")}
"""MSH-15 and MSH-16: which acknowledgements are asked for."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """A message and the name under which it is acknowledged."""

    control_id: str
    content: bytes


def message_of(
    charges: Sequence[Charge],
    profile: Profile,
    *,
    reversing: bool,
    at: datetime,
    notice: str | None = None,
) -> Written:
    """Write charges of one patient and session, or their reversal, each with the notice if there is one.

    The same charges give the same message every time; only its time (MSH-7, EVN-2) is the attempt's own.
    """
    ordered = sorted(charges, key=lambda one: one.charge_id)
    layout = profile.reversal_layout if reversing else profile.charge_layout
    event = profile.reversals.event if reversing else profile.event
    values = _values_of_message(ordered, profile, reversing=reversing, event=event, at=at)
    values["notice"] = notice
    each = layout.each if notice else layout.each_without_note
    segments = [_written(layout.head, values)]
    for number, charge in enumerate(ordered, start=1):
        of_charge = _values_of_charge(charge, number, reversing=reversing)
        segments.append(_written(each, values | of_charge))
    return Written(control_id=values["control_id"], content="".join(segments).encode())


def _values_of_message(
    charges: Sequence[Charge], profile: Profile, *, reversing: bool, event: str, at: datetime
) -> dict[str, Any]:
    first = charges[0]
    keys = [one.reversal_key if reversing else str(one.charge_id) for one in charges]
    accept, application = ASKED[profile.acknowledgement]
    return {
        "control_id": _short("message", *keys, letters=CONTROL_ID_LETTERS),
        "event": event,
        "sent_at": _moment(at),
        "accept": accept,
        "application": application,
        "mrn": first.mrn,
        **_name_of(first),
        "patient_id": first.patient_id,
        "session_id": first.session_id,
        "visit_id": _short("visit", str(first.session_id), str(first.patient_id), letters=CONTROL_ID_LETTERS),
    }


def _name_of(charge: Charge) -> dict[str, Any]:
    """Name the patient for PID-5; a charge from before names were kept says that there is none."""
    return {
        "patient_family": charge.patient_family,
        "patient_given": charge.patient_given,
        "patient_middle": charge.patient_middle,
        "patient_born": _day(charge.patient_born) if charge.patient_born else None,
        "name_type": LEGAL if charge.patient_family else UNSPECIFIED,
    }


def _values_of_charge(charge: Charge, number: int, *, reversing: bool) -> dict[str, Any]:
    given, _, family = charge.provider_name.rpartition(" ")
    name = str(charge.charge_id)
    key = charge.reversal_key if reversing else name
    return {
        "number": number,
        "transaction_id": _short(key, letters=TRANSACTION_ID_LETTERS),
        "charge_id": name,
        "replaces": charge.replaces,
        "service_date": _day(charge.service_date),
        "form": charge.form.value,
        "code": charge.code,
        # CPT's own codes are digits; HCPCS level II begins with a letter.
        "coding_system": "C4" if charge.code[:1].isdigit() else "HCPCS",
        "description": charge.description,
        "units": charge.units,
        "minutes": charge.minutes,
        "modifiers": charge.modifiers,
        "place_of_service": charge.place_of_service,
        "revenue_code": charge.revenue_code,
        "provider_npi": charge.provider_npi,
        "provider_name": charge.provider_name,
        "provider_family": family,
        "provider_given": given,
        "group_size": charge.group_size,
    }


def _moment(at: datetime) -> str:
    # Much faster than `strftime`, and each message has one.
    return at.astimezone(UTC).isoformat(timespec="seconds").translate(_UNMARKED)


def _day(day: date) -> str:
    return day.isoformat().replace("-", "")


def _short(*texts: str, letters: int) -> str:
    """Name something in few letters, always the same: 5 bits a letter, so 12 hold a clinic for ever."""
    digest = hashlib.sha256("|".join(texts).encode()).digest()
    # Five bytes are eight letters: no more of them than are looked at.
    return base64.b32encode(digest[:BYTES_LOOKED_AT]).decode()[:letters]


def _written(segments: Segments, values: Mapping[str, Any]) -> str:
    """Write segments, each value escaped: no text of ours parts a field or ends a segment."""
    texts = {name: _text(values[name]) for name in segments.names}
    return segments.template.format_map(texts)


def _text(value: Any) -> str:
    # Most values are codes and numbers, which need no second look.
    if type(value) is str:
        return value if value.isalnum() else escaped(value)
    if value is None:
        return ""
    if isinstance(value, tuple):
        return REPETITION.join([escaped(str(one)) for one in value])
    return escaped(str(value))
