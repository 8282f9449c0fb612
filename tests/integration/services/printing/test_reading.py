import pytest

from services.printing import schemas
from shared.events.sheet import SignInSheet
from shared.events.staff import Feature, Role
from shared.identifiers import new_id
from shared.testing.records import CLINIC, MARGARET, OTHER_CLINIC
from tests.integration.services.printing.conftest import NOW, Printing
from tests.unit.services.printing.renderer.sheets import a_sheet

MAY_PRINT = [
    Role.SUPER_ADMIN,
    Role.RECORDS_ADMIN,
    Role.THERAPIST,
    Role.CASE_MANAGER,
    Role.OTHER_THERAPIST,
    Role.FRONT_OFFICE,
]


async def a_ready_job(printing: Printing) -> SignInSheet:
    sheet = a_sheet(job_id=new_id())
    await printing.request(sheet)
    await printing.render()
    return sheet


@pytest.mark.rule("PRINT-5")
async def test_a_queued_job_shows_no_file(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.hire(Role.THERAPIST)
    await printing.request(sheet)
    answer = await printing.ask(f"/jobs/{sheet.job_id}")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "id": str(sheet.job_id),
        "kind": "sign_in_sheet",
        "session_id": str(sheet.session_id),
        "status": "queued",
        "reason": None,
        "warnings": [],
        "pages": None,
        "bytes": None,
        "links": {"self": f"/v1/printing/jobs/{sheet.job_id}"},
    }


@pytest.mark.rule("PRINT-5")
async def test_a_ready_job_links_to_its_file(printing: Printing) -> None:
    sheet = await a_ready_job(printing)
    await printing.hire(Role.THERAPIST)
    body = (await printing.ask(f"/jobs/{sheet.job_id}")).json()
    job = schemas.PrintJob.model_validate(body)
    pdf = await printing.ask(body["links"]["file"].removeprefix("/v1/printing"))
    assert (job.status, job.pages, job.bytes) == ("ready", 1, len(pdf.content))


@pytest.mark.rule("PRINT-5")
async def test_a_failed_job_says_so(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id(), time_zone="Nowhere")
    await printing.hire(Role.THERAPIST)
    await printing.request(sheet)
    await printing.render()
    body = (await printing.ask(f"/jobs/{sheet.job_id}")).json()
    assert (body["status"], body["links"]) == ("failed", {"self": f"/v1/printing/jobs/{sheet.job_id}"})
    assert body["reason"].startswith("UnknownTimeZoneError at ")


async def test_the_file_is_a_pdf_that_no_cache_keeps(printing: Printing) -> None:
    sheet = await a_ready_job(printing)
    await printing.hire(Role.FRONT_OFFICE)
    answer = await printing.ask(f"/jobs/{sheet.job_id}/file")
    assert (answer.status_code, answer.content[:5]) == (200, b"%PDF-")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == f'inline; filename="sign-in-sheet-{sheet.job_id}.pdf"'


async def test_a_file_that_is_not_ready_is_a_conflict(printing: Printing) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.hire(Role.THERAPIST)
    await printing.request(sheet)
    answer = await printing.ask(f"/jobs/{sheet.job_id}/file")
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("/print-job-not-ready")


@pytest.mark.rule("PERM-8")
async def test_reading_a_file_is_in_the_audit_trail(printing: Printing) -> None:
    sheet = await a_ready_job(printing)
    await printing.hire(Role.THERAPIST)
    await printing.ask(f"/jobs/{sheet.job_id}/file")
    (entry,) = await printing.audit()
    assert (entry.instance_id, entry.user_id, entry.at) == (CLINIC, MARGARET, NOW)
    assert (entry.action, entry.subject, entry.outcome) == (
        "print_job.file_read",
        str(sheet.job_id),
        "allowed",
    )


@pytest.mark.rule("PERM-8")
async def test_a_refusal_says_what_is_missing_and_is_in_the_audit_trail(printing: Printing) -> None:
    sheet = await a_ready_job(printing)
    await printing.hire(Role.NURSE)
    answer = await printing.ask(f"/jobs/{sheet.job_id}/file")
    assert answer.status_code == 403
    assert "therapist" in answer.json()["detail"]
    (entry,) = await printing.audit()
    assert (entry.user_id, entry.subject, entry.outcome) == (MARGARET, str(sheet.job_id), "refused")


async def test_the_metrics_tell_how_many_renders_are_owed(printing: Printing) -> None:
    await printing.request(a_sheet(job_id=new_id()), a_sheet(job_id=new_id()))
    answer = await printing.ask("/metrics", prefix="")
    assert (
        'opencircle_deliveries_unfinished{consumer="printing.render",service="printing",state="open"} 2.0'
        in answer.text
    )


@pytest.mark.parametrize("role", list(Role))
async def test_those_who_handle_group_sessions_see_print_jobs(printing: Printing, role: Role) -> None:
    sheet = a_sheet(job_id=new_id())
    await printing.hire(role)
    await printing.request(sheet)
    answers = [await printing.ask(path) for path in (f"/jobs/{sheet.job_id}", "/counts")]
    expected = 200 if role in MAY_PRINT else 403
    assert [answer.status_code for answer in answers] == [expected] * 2


async def test_manage_group_sessions_needs_no_role(printing: Printing) -> None:
    await printing.hire(features=frozenset({Feature.MANAGE_GROUP_SESSIONS}))
    assert (await printing.ask("/counts")).status_code == 200


async def test_staff_that_left_is_refused(printing: Printing) -> None:
    await printing.hire(Role.SUPER_ADMIN, active=False)
    assert (await printing.ask("/counts")).status_code == 403


@pytest.mark.parametrize("path", ["", "/file"])
async def test_another_instances_job_is_not_there(printing: Printing, path: str) -> None:
    sheet = await a_ready_job(printing)
    await printing.hire(Role.SUPER_ADMIN, instance_id=OTHER_CLINIC)
    answer = await printing.ask(f"/jobs/{sheet.job_id}{path}", instance_id=OTHER_CLINIC)
    assert answer.status_code == 404


async def test_jobs_are_counted_by_status(printing: Printing) -> None:
    await a_ready_job(printing)
    await printing.hire(Role.THERAPIST)
    await printing.request(a_sheet(job_id=new_id()), a_sheet(job_id=new_id()))
    body = (await printing.ask("/counts")).json()
    assert schemas.Counts.model_validate(body).model_dump() == {
        "jobs": {"queued": 2, "rendering": 0, "ready": 1, "failed": 0}
    }
