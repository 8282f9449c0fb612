from typing import Any
from uuid import uuid5

import httpx2
import pytest
from sqlalchemy import select

from services.billing_bridge.codes.schemas import Code, CodePage
from services.billing_bridge.models import billing_code, billing_code_version
from shared.events.catalogue import SESSION_ANNOTATED
from shared.events.staff import Feature, Role
from shared.testing.corrections import an_annotation, annotated
from shared.testing.records import CAST, OTHER_CLINIC, a_session_record
from tests.integration.services.billing_bridge.conftest import Billing

GROUP = {
    "kind": "ccode",
    "code": "90853",
    "description": "Group psychotherapy",
    "effective_on": "2026-01-01",
    "largest_group": 12,
}
BILLER = uuid5(CAST, "Bo, a biller")
CSV = "kind,code,description,effective_on,ends_on,largest_group\n"


async def add(billing: Billing, **changes: Any) -> httpx2.Response:
    await billing.hire(Role.SUPER_ADMIN)
    return await billing.ask("/codes", method="POST", content=GROUP | changes)


async def bring(billing: Billing, *lines: str) -> httpx2.Response:
    await billing.hire(Role.SUPER_ADMIN)
    content = (CSV + "".join(f"{line}\n" for line in lines)).encode()
    return await billing.ask(
        "/codes/import", method="POST", raw=content, headers={"Content-Type": "text/csv"}
    )


@pytest.mark.rule("BILL-1")
async def test_a_code_is_added_shown_and_listed(billing: Billing) -> None:
    answer = await add(billing, bands=[{"smallest": 2, "largest": 6}, {"smallest": 7, "modifiers": ["TT"]}])
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')
    shown = Code.model_validate_json(answer.content)
    again = await billing.ask(f"/codes/{shown.id}")
    page = CodePage.model_validate_json((await billing.ask("/codes")).content)
    assert (Code.model_validate_json(again.content), page.items) == (shown, [shown])


@pytest.mark.rule("BILL-1")
async def test_a_list_of_codes_is_paged_without_gaps(billing: Billing) -> None:
    await bring(billing, *(f"ccode,{number},A code,2026-01-01,," for number in range(90840, 90847)))
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await billing.ask("/codes?limit=3" + (f"&cursor={cursor}" if cursor else ""))).json()
        seen += [one["code"] for one in page["items"]]
        cursor = page["next"]
    assert seen == [str(number) for number in range(90840, 90847)]


@pytest.mark.rule("BILL-1")
async def test_a_code_is_changed_over_the_version_that_was_read_and_keeps_its_history(
    billing: Billing,
) -> None:
    code_id = (await add(billing)).json()["id"]
    changed = GROUP | {"largest_group": 8}
    answers = [
        await billing.ask(f"/codes/{code_id}", method="PUT", content=changed, headers=headers)
        for headers in ({}, {"If-Match": '"2"'}, {"If-Match": '"1"'})
    ]
    assert [one.status_code for one in answers] == [428, 412, 200]
    assert (answers[2].headers["etag"], answers[2].json()["largest_group"]) == ('"2"', 8)
    kept = await billing.rows(select(billing_code_version).order_by(billing_code_version.c.version))
    assert [(row.version, row.facts["largest_group"]) for row in kept] == [(1, 12), (2, 8)]


@pytest.mark.rule("BILL-1")
async def test_two_periods_of_a_code_share_no_day(billing: Billing) -> None:
    await add(billing, ends_on="2026-06-30")
    assert (await add(billing, effective_on="2026-06-30")).status_code == 409
    assert (await add(billing, effective_on="2026-07-01")).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "rcode"},
        {"ends_on": "2025-12-31"},
        {"smallest_group": 13},
        {"units": {"by": "time"}},
        {"units": {"by": "time", "minutes_per_unit": 15, "minutes_to_round_up": 16}},
        {"bands": [{"smallest": 2, "largest": 6}, {"smallest": 6}]},
        {"modifiers": ["hq"]},
        {"colour": "red"},
    ],
)
async def test_what_makes_no_sense_is_refused(billing: Billing, wrong: dict[str, Any]) -> None:
    assert (await add(billing, **wrong)).status_code == 422
    assert await billing.rows(select(billing_code)) == []


@pytest.mark.rule("BILL-1")
async def test_an_import_adds_changes_and_leaves_alone(billing: Billing) -> None:
    first = await bring(
        billing, "ccode,90853,Group,2026-01-01,,12", "rcode,0905,Intensive outpatient,2026-01-01,,"
    )
    again = await bring(
        billing, "ccode,90853,Group,2026-01-01,,10", "rcode,0905,Intensive outpatient,2026-01-01,,"
    )
    assert first.json() == {"added": 2, "changed": 0, "unchanged": 0}
    assert again.json() == {"added": 0, "changed": 1, "unchanged": 1}
    (group, _) = await billing.rows(select(billing_code).order_by(billing_code.c.kind))
    assert (group.version, group.largest_group) == (2, 10)


@pytest.mark.rule("BILL-1")
async def test_one_fault_imports_nothing_and_each_is_named(billing: Billing) -> None:
    answer = await bring(
        billing,
        "ccode,90853,Group,2026-01-01,,12",
        "ccode,90849,Families,soon,,",
        "ccode,90847,Family,2026-01-01,,none",
    )
    assert answer.status_code == 422
    assert [one["pointer"] for one in answer.json()["errors"]] == [
        "line:3/effective_on",
        "line:4/largest_group",
    ]
    assert await billing.rows(select(billing_code)) == []


@pytest.mark.rule("BILL-1")
async def test_an_import_that_would_overlap_names_the_line(billing: Billing) -> None:
    await add(billing)
    answer = await bring(billing, "ccode,90849,Families,2026-01-01,,", "ccode,90853,Group,2027-01-01,,")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["line:3/effective_on"]


@pytest.mark.rule("BILL-3", "BILL-9")
async def test_the_catalogue_of_the_instance_decides_and_the_charge_says_by_which_version(
    billing: Billing,
) -> None:
    code = (await add(billing, largest_group=2)).json()
    await billing.hear(a_session_record(present=3))
    assert {(row.lacking, str(row.code_id), row.code_version) for row in await billing.charges()} == {
        ("A group of 3 is over the largest of 2.", code["id"], 1)
    }


@pytest.mark.rule("BILL-9")
async def test_the_catalogue_of_another_instance_decides_nothing(billing: Billing) -> None:
    await add(billing, largest_group=2)
    await billing.hear(a_session_record(present=3), instance_id=OTHER_CLINIC)
    assert {row.lacking for row in await billing.charges()} == {None}


@pytest.mark.rule("BILL-6")
async def test_an_annotation_makes_no_charge_that_a_later_catalogue_would_make(billing: Billing) -> None:
    code = (await add(billing, mode="per_diem")).json()
    record = a_session_record(present=1, absent=0)
    await billing.hear(record)
    changed = GROUP | {"mode": "ancillary"}
    await billing.ask(f"/codes/{code['id']}", method="PUT", content=changed, headers={"If-Match": '"1"'})
    added = annotated(record, an_annotation(record.participants[0].patient_id))
    await billing.hear(added, event_type=SESSION_ANNOTATED)
    assert await billing.charges() == []


@pytest.mark.rule("BILL-7", "PERM-8")
async def test_codes_are_for_billers_alone(billing: Billing) -> None:
    await billing.hire(Role.THERAPIST)
    assert (await billing.ask("/codes")).status_code == 403
    await billing.hire(Role.THERAPIST, features=frozenset({Feature.MANAGE_BILLING}), user_id=BILLER)
    assert (await billing.ask("/codes", user_id=BILLER)).status_code == 200
