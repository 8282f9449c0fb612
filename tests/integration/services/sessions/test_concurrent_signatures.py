import asyncio
from collections import Counter

import pytest

from services.sessions.documentation.models import SIGNATURE
from services.sessions.metadata import LEDGER
from tests.integration.services.sessions.clinic import Clinic

AT_ONCE = 20


@pytest.mark.rule("SIGN-1", "DIST-5")
async def test_of_twenty_signatures_of_one_leader_at_once_one_counts(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    answers = await asyncio.gather(*(clinic.sign(session_id) for _ in range(AT_ONCE)))
    assert Counter(one.status_code for one in answers) == {201: 1, 409: AT_ONCE - 1}
    assert len(await clinic.rows(SIGNATURE)) == len(await clinic.rows(LEDGER.event)) == 1


@pytest.mark.rule("SIGN-1", "DIST-5")
async def test_of_two_leaders_at_once_the_last_one_publishes(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    signed = (clinic.sign(session_id, by=name) for name in ["Margaret", "Tom"] * 5)
    answers = await asyncio.gather(*signed)
    assert Counter(one.status_code for one in answers) == {201: 2, 409: 8}
    assert len(await clinic.rows(SIGNATURE)) == 2
    assert len(await clinic.rows(LEDGER.event)) == 1


@pytest.mark.rule("DOC-2")
async def test_of_ten_starts_at_once_one_counts(clinic: Clinic) -> None:
    session_id = await clinic.planned(leaders=[])
    path = f"/v1/group-sessions/{session_id}/start"
    answers = await asyncio.gather(*(clinic.ask("Margaret", "POST", path) for _ in range(10)))
    assert Counter(one.status_code for one in answers) == {204: 1, 409: 9}


@pytest.mark.rule("DOC-5")
async def test_notes_about_different_patients_written_at_once_are_all_kept(clinic: Clinic) -> None:
    session_id = await clinic.started()
    writes = (clinic.write_note(session_id, one, f"About {one}.") for one in clinic.patient_ids)
    await asyncio.gather(*writes)
    roster = (await clinic.session(session_id))["roster"]
    assert [one["individual_note"] for one in roster] == [f"About {one['patient_id']}." for one in roster]
