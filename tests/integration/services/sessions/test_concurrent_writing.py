"""Leaders who write at the same time: different parts never conflict, of one part nothing is lost (DOC-5)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import httpx2
import pytest

from tests.integration.services.sessions.clinic import Clinic

AT_ONCE = 200
WRITERS = ("Margaret", "Tom")


async def _started(clinic: Clinic) -> UUID:
    return await clinic.started(leaders=WRITERS)


async def _write(clinic: Clinic, session_id: UUID, number: int, *, version: int) -> httpx2.Response:
    """Write the first patient's note as the `number`th writer, from the version that was read."""
    path = f"/v1/group-sessions/{session_id}/roster/{clinic.patient_ids[0]}/note"
    who = WRITERS[number % len(WRITERS)]
    return await clinic.ask(who, "PUT", path, json={"text": f"Text {number}."}, if_match=f'"{version}"')


def _winners(answers: Sequence[httpx2.Response]) -> list[int]:
    assert {one.status_code for one in answers} <= {204, 412}
    return [number for number, one in enumerate(answers) if one.status_code == 204]


@pytest.mark.rule("DOC-5", "PERM-4")
async def test_two_leaders_who_write_different_parts_never_conflict(clinic: Clinic) -> None:
    session_id = await _started(clinic)
    first, second, third = clinic.patient_ids
    await asyncio.gather(
        clinic.write_group_note(session_id, by="Margaret"),
        clinic.write_note(session_id, first, "By Tom.", by="Tom"),
        clinic.write_note(session_id, second, "By Margaret.", by="Margaret"),
        clinic.mark(session_id, {first: "present", second: "present"}, by="Margaret"),
        clinic.mark(session_id, {third: "absent"}, by="Tom"),
    )
    session = await clinic.session(session_id)
    written = {one["patient_id"]: (one["attendance"], one["individual_note"]) for one in session["roster"]}
    assert session["topic"] == "Coping with cravings"
    assert written == {
        str(first): ("present", "By Tom."),
        str(second): ("present", "By Margaret."),
        str(third): ("absent", None),
    }


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.rule("DOC-5")
async def test_very_many_writes_to_as_many_parts_are_all_kept(closed_clinic: Clinic) -> None:
    clinic = closed_clinic
    await clinic.open(patients=AT_ONCE)
    session_id = await _started(clinic)
    await asyncio.gather(
        *(
            clinic.write_note(session_id, one, f"About {one}.", by=WRITERS[number % len(WRITERS)])
            for number, one in enumerate(clinic.patient_ids)
        )
    )
    roster = (await clinic.session(session_id))["roster"]
    assert len(roster) == AT_ONCE
    assert [one["individual_note"] for one in roster] == [f"About {one['patient_id']}." for one in roster]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.rule("DOC-5")
async def test_of_very_many_writes_to_one_part_one_wins_and_the_others_learn_of_whom(
    clinic: Clinic,
) -> None:
    session_id = await _started(clinic)
    answers = await asyncio.gather(*(_write(clinic, session_id, one, version=1) for one in range(AT_ONCE)))
    (winner,) = _winners(answers)
    refused = [one for one in answers if one.status_code == 412]
    author = str(clinic.id_of(WRITERS[winner % len(WRITERS)]))
    assert {one.headers["etag"] for one in refused} == {'"2"'}
    assert all(author in one.json()["detail"] for one in refused)
    entry = (await clinic.session(session_id))["roster"][0]
    assert (entry["individual_note"], entry["note_version"]) == (f"Text {winner}.", 2)


@pytest.mark.rule("DOC-5")
async def test_who_reads_again_and_writes_again_gets_the_next_version_and_loses_nothing(
    clinic: Clinic,
) -> None:
    session_id = await _started(clinic)
    won: Counter[int] = Counter()

    async def write_until_it_is_taken(number: int) -> int:
        version = 1
        while (answer := await _write(clinic, session_id, number, version=version)).status_code == 412:
            version = int(answer.headers["etag"].strip('"'))
        assert answer.status_code == 204
        won[int(answer.headers["etag"].strip('"'))] = number
        return number

    await asyncio.gather(*(write_until_it_is_taken(number) for number in range(10)))
    assert sorted(won) == list(range(2, 12))
    entry = (await clinic.session(session_id))["roster"][0]
    assert (entry["individual_note"], entry["note_version"]) == (f"Text {won[11]}.", 11)
