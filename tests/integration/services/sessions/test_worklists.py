"""What waits, and who sees it."""

from typing import Any

import pytest

from services.sessions.documentation.list_answers import WorklistPage
from services.sessions.metadata import TRAIL
from tests.integration.services.sessions.clinic import STAFF, Clinic
from tests.integration.services.sessions.statements import counted_statements

KINDS = ("not_started", "incomplete", "awaiting_signature", "awaiting_review")


async def _titles(clinic: Clinic, kind: str, *, who: str = "Ada", query: str = "") -> list[str]:
    page = await clinic.do(who, "GET", f"/v1/worklists/{kind}{query}")
    return [one["title"] for one in page["items"]]


async def _lists(clinic: Clinic, *, who: str = "Ada") -> dict[str, list[str]]:
    found = {kind: await _titles(clinic, kind, who=who) for kind in KINDS}
    return {kind: titles for kind, titles in found.items() if titles}


async def _seen_by(clinic: Clinic, kind: str) -> set[str]:
    asked = {name: await clinic.ask(name, "GET", f"/v1/worklists/{kind}") for name in STAFF}
    return {name for name, answer in asked.items() if answer.is_success and answer.json()["items"]}


@pytest.mark.rule("DOC-7")
async def test_a_session_is_late_a_quarter_of_an_hour_after_its_planned_start(clinic: Clinic) -> None:
    await clinic.planned()
    (planned,) = (await clinic.do("Ada", "GET", f"/v1/group-sessions?location_id={clinic.location_id}"))[
        "upcoming"
    ]
    clinic.clock.moment = clinic.clock.moment.fromisoformat(planned["starts_at"])
    clinic.clock.forward(minutes=15)
    assert await _lists(clinic) == {}
    clinic.clock.forward(seconds=1)
    assert await _lists(clinic) == {"not_started": ["Process Group"]}


@pytest.mark.rule("DOC-7")
async def test_a_session_in_progress_is_incomplete_a_quarter_of_an_hour_after_its_planned_end(
    clinic: Clinic,
) -> None:
    session_id = await clinic.started()
    planned = (await clinic.session(session_id))["starts_at"]
    clinic.clock.moment = clinic.clock.moment.fromisoformat(planned)
    clinic.clock.forward(minutes=50 + 15)
    assert await _lists(clinic) == {}
    clinic.clock.forward(seconds=1)
    assert await _lists(clinic) == {"incomplete": ["Process Group"]}


@pytest.mark.parametrize("kind", ["not_started", "awaiting_signature"])
async def test_a_worklist_is_as_it_is_described(clinic: Clinic, kind: str) -> None:
    await clinic.planned()
    await clinic.documented()
    clinic.clock.forward(days=1)
    page = await clinic.do("Ada", "GET", f"/v1/worklists/{kind}")
    assert len(WorklistPage.model_validate(page).items) == 1


@pytest.mark.rule("DOC-7")
async def test_what_is_written_to_its_end_waits_for_signatures(clinic: Clinic) -> None:
    await clinic.documented()
    clinic.clock.forward(days=1)
    assert await _lists(clinic) == {"awaiting_signature": ["Process Group"]}


@pytest.mark.rule("DOC-7", "DOC-4")
async def test_a_note_of_blanks_leaves_a_session_incomplete(clinic: Clinic) -> None:
    session_id = await clinic.documented()
    await clinic.write_note(session_id, clinic.patient_ids[0], "  ", if_match='"2"')
    clinic.clock.forward(days=1)
    assert await _lists(clinic) == {"incomplete": ["Process Group"]}


@pytest.mark.rule("DOC-7")
async def test_where_no_notes_are_required_none_are_waited_for(clinic: Clinic) -> None:
    session_id = await clinic.started(notes_required=False)
    await clinic.write_group_note(session_id)
    await clinic.mark(session_id, dict.fromkeys(clinic.patient_ids, "present"))
    assert await _lists(clinic) == {"awaiting_signature": ["Process Group"]}


@pytest.mark.rule("DOC-7")
async def test_who_has_signed_waits_no_longer(clinic: Clinic) -> None:
    session_id = await clinic.documented(leaders=["Margaret", "Tom"])
    assert await _seen_by(clinic, "awaiting_signature") == {"Ada", "Rosa", "Margaret", "Tom"}
    await clinic.sign(session_id)
    assert await _seen_by(clinic, "awaiting_signature") == {"Ada", "Rosa", "Tom"}
    (row,) = (await clinic.do("Ada", "GET", "/v1/worklists/awaiting_signature"))["items"]
    assert [(one["first_name"], one["signed"]) for one in row["leaders"]] == [
        ("Margaret", True),
        ("Tom", False),
    ]


@pytest.mark.rule("DOC-7", "SIGN-3")
async def test_a_session_waits_for_reviewers_who_do_not_lead_it(clinic: Clinic) -> None:
    access = {"roles": ["therapist"], "features": ["review_group_sessions"]}
    await clinic.do("Ada", "PUT", f"/v1/directory/staff/{clinic.id_of('Ruth')}/access", json=access)
    first = await clinic.documented(by="Ivy", leaders=["Ivy"], title="Ivy's")
    await clinic.sign(first, by="Ivy")
    second = await clinic.documented(by="Ivy", leaders=["Ivy", "Ruth"], title="With Ruth")
    await clinic.sign(second, by="Ivy")
    await clinic.sign(second, by="Ruth")
    assert await _titles(clinic, "awaiting_review", who="Ruth") == ["Ivy's"]
    assert await _seen_by(clinic, "awaiting_review") == {"Ada", "Rosa", "Ruth"}


@pytest.mark.rule("DOC-7", "PERM-2")
async def test_an_unassigned_session_waits_for_all_who_may_start_it(clinic: Clinic) -> None:
    await clinic.planned(leaders=[], title="Free")
    await clinic.planned(title="Margaret's")
    clinic.clock.forward(days=1)
    assert await _titles(clinic, "not_started", who="Margaret") == ["Free", "Margaret's"]
    assert await _titles(clinic, "not_started", who="Frank") == ["Free"]
    assert await _seen_by(clinic, "not_started") == set(STAFF) - {"Ruth", "Tess", "Nora", "Dora", "Fay"}


@pytest.mark.rule("DOC-7", "PERM-1")
async def test_what_others_lead_is_on_their_lists_and_the_admins_alone(clinic: Clinic) -> None:
    await clinic.started()
    clinic.clock.forward(days=1)
    assert await _seen_by(clinic, "incomplete") == {"Ada", "Rosa", "Margaret"}


@pytest.mark.rule("DOC-7", "PERM-7")
@pytest.mark.parametrize("kind", KINDS)
async def test_who_sees_no_session_sees_no_worklist(clinic: Clinic, kind: str) -> None:
    asked = {name: (await clinic.ask(name, "GET", f"/v1/worklists/{kind}")).status_code for name in STAFF}
    assert asked == {name: 403 if name in {"Tess", "Nora", "Dora", "Fay"} else 200 for name in STAFF}


@pytest.mark.rule("DOC-7")
async def test_a_worklist_is_paged_without_gaps_or_doubles(clinic: Clinic) -> None:
    titles = [f"Group {number}" for number in range(5)]
    for title in titles:
        await clinic.planned(title=title)
    clinic.clock.forward(days=1)
    seen: list[str] = []
    page: dict[str, Any] = {"next": ""}
    while page["next"] is not None:
        cursor = f"&cursor={page['next']}" if page["next"] else ""
        page = await clinic.do("Ada", "GET", f"/v1/worklists/not_started?limit=2{cursor}")
        seen += [one["title"] for one in page["items"]]
    assert seen == titles


async def test_a_worklist_can_be_of_one_location(clinic: Clinic) -> None:
    await clinic.planned()
    clinic.clock.forward(days=1)
    here, elsewhere = clinic.location_id, clinic.id_of("elsewhere")
    found = [
        await _titles(clinic, "not_started", query=f"?location_id={place}") for place in (here, elsewhere)
    ]
    assert found == [["Process Group"], []]


@pytest.mark.rule("DOC-7")
async def test_another_customer_sees_none_of_it(clinic: Clinic, other_clinic: Clinic) -> None:
    await clinic.planned()
    clinic.clock.forward(days=1)
    assert await _lists(other_clinic) == {}


@pytest.mark.rule("SET-2")
async def test_while_the_feature_is_off_there_is_no_worklist(clinic: Clinic) -> None:
    await clinic.do("Ada", "PATCH", "/v1/settings", json={"use_group_sessions": False})
    assert (await clinic.ask("Ada", "GET", "/v1/worklists/incomplete")).status_code == 409


@pytest.mark.rule("PERM-8")
async def test_looking_at_a_worklist_is_in_the_trail(clinic: Clinic) -> None:
    await _titles(clinic, "incomplete")
    entry = (await clinic.rows(TRAIL))[-1]
    assert (entry.action, entry.subject, entry.user_id) == (
        "worklist.seen",
        "incomplete",
        clinic.id_of("Ada"),
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_longer_worklist_takes_no_more_statements(clinic: Clinic, kind: str) -> None:
    with counted_statements(clinic) as none:
        await _titles(clinic, kind)
    for number in range(3):
        await clinic.planned(title=f"Late {number}")
        await clinic.started(title=f"Started {number}")
        await clinic.documented(title=f"Written {number}")
        await clinic.sign(
            await clinic.documented(title=f"Signed {number}", by="Ivy", leaders=["Ivy"]), by="Ivy"
        )
    clinic.clock.forward(days=1)
    with counted_statements(clinic) as many:
        assert len(await _titles(clinic, kind)) == 3
    assert len(many) == len(none) <= 7


async def test_a_kind_that_is_not_known_is_refused(clinic: Clinic) -> None:
    assert (await clinic.ask("Ada", "GET", "/v1/worklists/forgotten")).status_code == 422
