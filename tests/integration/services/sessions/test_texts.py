"""Any Unicode is kept as it was written; what is no text is refused, in every field of every body."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.sessions.directory.models import PATIENT
from tests.integration.services.sessions.clinic import Clinic
from tests.integration.services.sessions.test_isolation import _theirs

WRITABLE = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=200
)


def _spoilt(body: Any, spoil: str) -> Iterator[Any]:
    """Give the body once for each text in it, with that text spoilt."""
    if isinstance(body, str):
        yield body + spoil
    parts: Any = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for name, part in parts:
        for spoilt in _spoilt(part, spoil):
            yield (
                body | {name: spoilt} if isinstance(body, dict) else [*body[:name], spoilt, *body[name + 1 :]]
            )


@pytest.mark.parametrize("spoil", ["\x00", "\ud800"])
async def test_no_body_takes_what_is_no_text(clinic: Clinic, spoil: str) -> None:
    theirs = await _theirs(clinic)
    served = clinic.application.openapi()["paths"]  # of the built-in issuer's routes, none here
    taken = []
    for route, body in theirs.bodies.items():
        method, path = route.split(" ")
        if path not in served:
            continue
        for spoilt in _spoilt(body, spoil):
            answer = await clinic.ask("Ada", method, theirs.path(path), content=json.dumps(spoilt).encode())
            if answer.status_code != 422:
                taken.append((route, answer.status_code))
    assert taken == []


@pytest.mark.rule("DOC-4")
async def test_whatever_is_written_is_read_again_as_it_was(clinic: Clinic) -> None:
    session_id = await clinic.started()
    patient_id = clinic.patient_ids[0]

    async def round_trip(version: int, text: str) -> tuple[str, str]:
        await clinic.write_note(session_id, patient_id, text, if_match=f'"{version}"')
        path = f"/v1/directory/patients/{patient_id}"
        changed = {"preferred_name": text}
        await clinic.do("Ada", "PATCH", path, json=changed, headers={"If-Match": "*"})
        roster = (await clinic.session(session_id))["roster"]
        (note,) = [one["individual_note"] for one in roster if one["patient_id"] == str(patient_id)]
        (row,) = [one for one in await clinic.rows(PATIENT) if one.id == patient_id]
        return note, row.preferred_name

    for version, text in enumerate(_examples(), start=1):
        assert await round_trip(version, text) == (text, text)


def _examples() -> list[str]:
    """Draw texts first: a property can't await the clinic of this test's event loop."""
    drawn: list[str] = ["A\u030a", "\u00c5", "\ufeff x \r\n\t", "\U0001f9d1\u200d\U0001f373", "\u202eabc"]

    @settings(max_examples=40, database=None, suppress_health_check=list(HealthCheck))
    @given(WRITABLE)
    def draw(text: str) -> None:
        drawn.append(text)

    draw()
    return drawn
