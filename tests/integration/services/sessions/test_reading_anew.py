"""Whatever changes in a session changes what is read, and its ETag."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from services.sessions.directory.domain import StaffMember
from services.sessions.directory.repository import store
from services.sessions.documentation.answers import SessionAnswer
from services.sessions.metadata import TRAIL
from tests.integration.services.sessions.clinic import Clinic

Change = Callable[[Clinic, UUID], Awaitable[Any]]


def _place(session_id: UUID) -> str:
    return f"/v1/group-sessions/{session_id}"


async def _prefer_another_name(clinic: Clinic, _: UUID) -> None:
    place = f"/v1/directory/patients/{clinic.patient_ids[0]}"
    await clinic.do("Ada", "PATCH", place, json={"preferred_name": "Sunny"}, headers={"If-Match": '"1"'})


async def _rename_a_leader(clinic: Clinic, _: UUID) -> None:
    place = f"/v1/directory/staff/{clinic.id_of('Margaret')}"
    await clinic.do("Ada", "PATCH", place, json={"last_name": "Chen-Li"}, headers={"If-Match": '"1"'})


async def _import_a_leader(clinic: Clinic, _: UUID) -> None:
    member = StaffMember(
        id=clinic.id_of("Margaret"),
        npi=None,
        first_name="Margaret",
        last_name="Chen",
        credentials="PhD",
        active=True,
    )
    async with clinic.database.writing(clinic.instance_id) as db:
        await store(db, [member])


async def _add_a_leader(clinic: Clinic, session_id: UUID) -> None:
    leader_ids = [str(clinic.id_of(name)) for name in ("Margaret", "Tom")]
    await clinic.do("Margaret", "PUT", f"{_place(session_id)}/leaders", json={"leader_ids": leader_ids})


async def _mark(clinic: Clinic, session_id: UUID) -> None:
    await clinic.mark(session_id, {clinic.patient_ids[0]: "absent"})


async def _write_a_note(clinic: Clinic, session_id: UUID) -> None:
    await clinic.write_note(session_id, clinic.patient_ids[0], "Changed.", if_match='"2"')


async def _write_the_group_note(clinic: Clinic, session_id: UUID) -> None:
    await clinic.write_group_note(session_id, topic="Another topic", if_match='"2"')


async def _add_a_walk_in(clinic: Clinic, session_id: UUID) -> None:
    await clinic.admit(clinic.patient(7))
    await clinic.do("Margaret", "PUT", f"{_place(session_id)}/roster/{clinic.patient_ids[-1]}")


async def _sign(clinic: Clinic, session_id: UUID) -> None:
    assert (await clinic.sign(session_id)).status_code == 201


async def _delete(clinic: Clinic, session_id: UUID) -> None:
    await clinic.do("Ada", "POST", f"{_place(session_id)}/deletion", json={"reason": "Wrong day"})


CHANGES: Final[Mapping[str, Change]] = {
    one.__name__.removeprefix("_"): one
    for one in (
        _prefer_another_name,
        _rename_a_leader,
        _import_a_leader,
        _add_a_leader,
        _mark,
        _write_a_note,
        _write_the_group_note,
        _add_a_walk_in,
        _sign,
        _delete,
    )
}


@pytest.mark.rule("DOC-5")
@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_is_read_and_gives_another_etag(clinic: Clinic, name: str) -> None:
    session_id = await clinic.documented()
    before = await clinic.ask("Margaret", "GET", _place(session_id))
    await CHANGES[name](clinic, session_id)
    known = {"If-None-Match": before.headers["etag"]}
    after = await clinic.ask("Margaret", "GET", _place(session_id), headers=known)
    assert after.status_code == 200
    assert after.headers["etag"] != before.headers["etag"]
    assert after.json() != before.json()


@pytest.mark.rule("PERM-8")
async def test_who_has_it_as_it_is_gets_no_body_and_stands_in_the_trail(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    etag = (await clinic.ask("Margaret", "GET", _place(session_id))).headers["etag"]
    known = {"If-None-Match": f'"other", {etag}'}
    again = await clinic.ask("Rosa", "GET", _place(session_id), headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert again.headers["cache-control"] == "no-store"
    last = (await clinic.rows(TRAIL))[-1]
    assert (last.user_id, last.action, last.subject) == (
        clinic.id_of("Rosa"),
        "session.seen",
        str(session_id),
    )


@pytest.mark.rule("PERM-7")
async def test_an_etag_opens_nothing(clinic: Clinic, other_clinic: Clinic) -> None:
    session_id = await clinic.documented()
    known = {"If-None-Match": (await clinic.ask("Margaret", "GET", _place(session_id))).headers["etag"]}
    refused = await clinic.ask("Nora", "GET", _place(session_id), headers=known)
    foreign = await other_clinic.ask("Margaret", "GET", _place(session_id), headers=known)
    assert (refused.status_code, foreign.status_code) == (403, 404)


async def test_what_nobody_has_changed_is_read_the_same(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    first, second = [await clinic.ask("Margaret", "GET", _place(session_id)) for _ in range(2)]
    assert (second.content, second.headers["etag"]) == (first.content, first.headers["etag"])


async def test_a_signed_and_annotated_session_is_as_described(clinic: Clinic) -> None:
    clinic.clock.forward(microseconds=1500)
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    await clinic.write_note(session_id, clinic.patient_ids[0], 'Said "no" \\ then\nλ', if_match='"2"')
    for name in ("Margaret", "Tom"):
        assert (await clinic.sign(session_id, by=name)).status_code == 201
    place = f"{_place(session_id)}/roster/{clinic.patient_ids[0]}/annotations"
    clinic.clock.forward(minutes=1)
    await clinic.do("Margaret", "POST", place, json={"text": "Added."})
    session = await clinic.session(session_id)
    assert SessionAnswer.model_validate(session).model_dump(mode="json") == session
    (entry,) = [one for one in session["roster"] if one["patient_id"] == str(clinic.patient_ids[0])]
    assert entry["individual_note"] == 'Said "no" \\ then\nλ'
    assert [(one["text"], one["meaning"]) for one in entry["annotations"]] == [("Added.", "annotator")]
    assert [one["printed_name"].split()[0] for one in session["signatures"]] == ["Margaret", "Tom"]
    signed_at = (clinic.clock() - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    assert {one["signed_at"] for one in session["signatures"]} == {signed_at}
