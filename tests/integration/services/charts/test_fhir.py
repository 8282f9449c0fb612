"""Chart notes as FHIR R4: valid resources, searches, pages, refusals."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from services.charts.domain import READS_CHARTS
from shared.events.catalogue import SESSION_ANNOTATED, SESSION_RETRACTED, SETTINGS_CHANGED
from shared.events.record import Attendance, SessionRecord, SignatureMeaning
from shared.events.staff import Role
from shared.identifiers import new_id
from shared.testing.corrections import an_annotation, annotated, retraction_of
from shared.testing.records import OTHER_CLINIC, TUESDAY, a_patient, a_session_record, margarets_signature
from shared.web.instance_settings import NOTHING_HEARD
from tests.integration.services.charts.conftest import Charts

KINDS = ["Composition", "DocumentReference"]
PATIENT = a_patient(0).patient_id


def valid(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """R4B differs from R4 in none of the elements that are served."""
    get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    return resource


async def read(charts: Charts, path: str, *, status: int = 200, **more: Any) -> Mapping[str, Any]:
    answer = await charts.ask(f"/fhir/{path}", **more)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/fhir+json")
    assert answer.headers["cache-control"] == "no-store"
    return valid(answer.json())


async def found(charts: Charts, query: str, kind: str = "DocumentReference") -> list[str]:
    bundle = await read(charts, f"{kind}?{query}")
    assert bundle["type"] == "searchset"
    return [one["resource"]["id"] for one in bundle.get("entry", [])]


async def note_ids(charts: Charts) -> list[str]:
    return [str(one.id) for one in await charts.notes()]


def held(week: int, **facts: Any) -> SessionRecord:
    starts = TUESDAY + timedelta(weeks=week)
    times: dict[str, Any] = {"started_at": starts, "ended_at": starts + timedelta(minutes=50)}
    signatures = (margarets_signature(starts + timedelta(hours=1)),)
    return a_session_record(participants=(a_patient(0),), signatures=signatures, **times, **facts)


@pytest.mark.rule("DIST-1")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attendance", list(Attendance))
async def test_a_note_is_a_valid_resource(charts: Charts, kind: str, attendance: Attendance) -> None:
    await charts.hire(Role.NURSE)
    patient = a_patient(0, attendance=attendance, printed_name="Émile <O'Hara> & Søn", individual_note="")
    reviewer = margarets_signature().model_copy(
        update={"meaning": SignatureMeaning.REVIEWER, "printed_name": "Ruth Ade", "credentials": None}
    )
    text = "Line one.\n\tLine <two> & \u0000 three."
    await charts.hear(
        a_session_record(
            participants=(patient,),
            topic=text,
            description="",
            signatures=(margarets_signature(), reviewer),
        )
    )
    (note_id,) = await note_ids(charts)
    resource = await read(charts, f"{kind}/{note_id}")
    assert (resource["id"], resource["meta"]["versionId"]) == (note_id, "1")
    assert resource["subject"]["reference"] == f"Patient/{PATIENT}"


@pytest.mark.rule("SIGN-5", "DOC-6")
@pytest.mark.parametrize("kind", KINDS)
async def test_the_status_follows_what_was_said_later(charts: Charts, kind: str) -> None:
    await charts.hire(Role.NURSE)
    record = held(0)
    later = annotated(record, an_annotation(PATIENT))
    seen = []
    for event_type, facts in {
        "opencircle.group_session.completed.v1": record,
        SESSION_ANNOTATED: later,
        SESSION_RETRACTED: retraction_of(record),
    }.items():
        await charts.hear(facts, event_type=event_type)
        (note_id,) = await note_ids(charts)
        told = await read(charts, f"{kind}/{note_id}")
        seen.append((told["status"], told.get("docStatus"), told["meta"]["versionId"]))
    assert (
        seen
        == {
            "Composition": [
                ("final", None, "1"),
                ("amended", None, "2"),
                ("entered-in-error", None, "3"),
            ],
            "DocumentReference": [
                ("current", "final", "1"),
                ("current", "amended", "2"),
                ("entered-in-error", "entered-in-error", "3"),
            ],
        }[kind]
    )


@pytest.mark.rule("SIGN-4", "SIGN-5")
async def test_signatures_are_shown_with_name_time_and_meaning_and_as_provenance(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record = held(0)
    await charts.hear(annotated(record, an_annotation(PATIENT)), event_type=SESSION_ANNOTATED)
    (note_id,) = await note_ids(charts)
    told = await read(charts, f"Composition/{note_id}")
    shown = {one["title"]: one["text"]["div"] for one in told["section"]}
    assert "Margaret Chen, LCSW, author, signed 2026-03-10T15:00:00Z" in shown["Electronic signatures"]
    assert "annotator" in shown["Annotation added after signing"]
    assert "42 CFR part 2 prohibits" in shown["Notice to whoever receives this record"]
    provenances = [one for one in told["contained"] if one["resourceType"] == "Provenance"]
    assert [one["signature"][0]["type"][0]["code"] for one in provenances] == [
        "1.2.840.10065.1.12.1.1",
        "1.2.840.10065.1.12.1.15",
    ]
    assert {one["target"][0]["reference"] for one in provenances} == {"#"}


@pytest.mark.rule("SIGN-3")
async def test_a_reviewer_of_the_authors_name_is_somebody_else(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    record = held(0)
    reviewer = margarets_signature().model_copy(
        update={"user_id": new_id(), "meaning": SignatureMeaning.REVIEWER}
    )
    await charts.hear(record.model_copy(update={"signatures": (*record.signatures, reviewer)}))
    told = await read(charts, f"Composition/{(await note_ids(charts))[0]}")
    assert len({one["party"]["reference"] for one in told["attester"]}) == 2
    assert len([one for one in told["contained"] if one["resourceType"] == "Practitioner"]) == 2


@pytest.mark.rule("DIST-3")
@pytest.mark.parametrize("kind", KINDS)
async def test_a_resource_names_no_other_patient(charts: Charts, kind: str) -> None:
    await charts.hire(Role.NURSE)
    record = a_session_record(present=3, absent=1)
    await charts.hear(record)
    own, *others = record.participants
    told = str(await read(charts, f"{kind}?patient={own.patient_id}"))
    for other in others:
        for token in (str(other.patient_id), other.mrn, other.printed_name):
            assert token not in told


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_contained_is_referred_to_within_its_resource(charts: Charts, kind: str) -> None:
    await charts.hire(Role.NURSE)
    await charts.hear(held(0))
    (note_id,) = await note_ids(charts)
    told = await read(charts, f"{kind}/{note_id}")
    everything = str(told)
    for one in told["contained"]:
        assert f"'#{one['id']}'" in everything or one["target"] == [{"reference": "#"}]


async def test_notes_are_found_by_patient_date_and_identifier(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    await charts.hear(held(2), held(0), held(1), a_session_record(participants=(a_patient(5),)))
    first, second, third = [str(one.id) for one in await charts.notes() if one.patient_id == PATIENT]
    for query, expected in {
        f"patient=Patient/{PATIENT}": [third, second, first],
        f"subject={PATIENT}&date=2026-03-17": [second],
        f"patient={PATIENT}&date=ge2026-03-17": [third, second],
        f"patient={PATIENT}&date=gt2026-03-10T14:59:59Z&date=lt2026-03-24": [second, first],
        f"patient={PATIENT}&period=2026-03-10T09:00:00-05:00": [first],
        f"patient={PATIENT}&period=2026-03": [third, second, first],
        f"identifier=urn:ietf:rfc:3986|urn:uuid:{second}": [second],
        f"identifier=urn:uuid:{second}&patient={new_id()}": [],
        f"_id={third}&_format=json": [third],
        f"patient={new_id()}": [],
    }.items():
        assert await found(charts, query) == expected, query


@pytest.mark.parametrize("kind", KINDS)
async def test_pages_are_linked_until_the_last_one(charts: Charts, kind: str) -> None:
    await charts.hire(Role.NURSE)
    await charts.hear(*(held(week) for week in range(5)))
    path: str | None = f"{kind}?patient={PATIENT}&_count=2"
    seen: list[str] = []
    sizes = []
    while path is not None:
        bundle = await read(charts, path)
        seen += [one["resource"]["id"] for one in bundle["entry"]]
        sizes.append(len(bundle["entry"]))
        links = {one["relation"]: one["url"] for one in bundle["link"]}
        assert links["self"] == f"http://charts/v1/charts/fhir/{path}"
        path = links["next"].partition("/fhir/")[2] if "next" in links else None
    assert (sizes, seen) == ([2, 2, 1], list(reversed(await note_ids(charts))))


@pytest.mark.parametrize("wish", ["_count=1000", "date=le9999-12-31", "date=lt9999"])
async def test_wide_wishes_are_met(charts: Charts, wish: str) -> None:
    await charts.hire(Role.NURSE)
    await charts.hear(held(0))
    assert await found(charts, f"patient={PATIENT}&{wish}") == await note_ids(charts)


async def test_links_begin_with_the_public_address(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    await charts.hear(held(0), held(1))
    charts.application.state.public_url = "https://clinic.example"
    bundle = await read(charts, f"Composition?patient={PATIENT}&_count=1")
    urls = [*(one["url"] for one in bundle["link"]), *(one["fullUrl"] for one in bundle["entry"])]
    assert len(urls) == 3
    assert all(url.startswith("https://clinic.example/v1/charts/fhir/Composition") for url in urls)


@pytest.mark.rule("PERM-8")
@pytest.mark.parametrize("wish", ["", "&date=yesterday", "&_cursor=x"])
async def test_who_may_not_read_a_note_is_refused_and_written_down_whatever_is_wished(
    charts: Charts, wish: str
) -> None:
    await charts.hire(Role.FRONT_OFFICE)
    await charts.hear(held(0))
    (note_id,) = await note_ids(charts)
    await read(charts, f"Composition?_id={note_id}{wish}", status=403)
    (entry,) = await charts.audit()
    assert (entry.outcome, entry.subject, entry.patient_id) == ("refused", note_id, PATIENT)


@pytest.mark.parametrize(
    ("path", "status", "code", "expression"),
    [
        ("DocumentReference", 400, "invalid", "http.patient"),
        ("DocumentReference?patient=Ada", 400, "invalid", "http.patient"),
        ("Composition?patient={patient}&date=yesterday", 400, "invalid", "http.date"),
        ("Composition?patient={patient}&date=2026-13-40", 400, "invalid", "http.date"),
        ("Composition?patient={patient}&date=0000", 400, "invalid", "http.date"),
        ("Composition?identifier=http://other|{patient}", 400, "invalid", "http.identifier"),
        ("Composition?patient={patient}&name=Ada", 400, "invalid", "http.name"),
        ("Composition?patient={patient}&_cursor=x", 400, "invalid", None),
        ("Composition?patient={patient}&_count=0", 400, "invalid", "http._count"),
        ("Composition/{patient}", 404, "not-found", None),
        ("Composition/1", 404, "not-found", "http.note_id"),
        ("Patient/{patient}", 404, "not-found", "http.kind"),
    ],
)
async def test_a_refusal_is_an_operation_outcome_with_the_place(
    charts: Charts, path: str, status: int, code: str, expression: str | None
) -> None:
    await charts.hire(Role.NURSE)
    outcome = await read(charts, path.format(patient=PATIENT), status=status)
    (issue,) = outcome["issue"]
    assert (issue["severity"], issue["code"]) == ("error", code)
    assert expression is None or issue["expression"] == [expression]
    assert "Ada" not in str(outcome)


@pytest.mark.rule("PERM-7", "PERM-8")
@pytest.mark.parametrize("role", sorted(Role))
async def test_roles_read_by_fhir_what_they_read_elsewhere(charts: Charts, role: Role) -> None:
    await charts.hire(role)
    await charts.hear(held(0))
    (note_id,) = await note_ids(charts)
    allowed = role in READS_CHARTS
    for path in (f"Composition/{note_id}", f"DocumentReference?patient={PATIENT}"):
        told = await read(charts, path, status=200 if allowed else 403)
        assert allowed or told["issue"][0]["code"] == "forbidden"


@pytest.mark.rule("PERM-8")
async def test_every_reading_names_the_patient_in_the_audit_trail(charts: Charts) -> None:
    await charts.hire(Role.NURSE)
    await charts.hear(held(0))
    (note_id,) = await note_ids(charts)
    for path in (
        f"Composition/{note_id}",
        f"DocumentReference?patient={PATIENT}",
        f"Composition?identifier=urn:uuid:{note_id}",
    ):
        await charts.ask(f"/fhir/{path}", headers={"Purpose-Of-Use": "COVAUTH"})
    told = [(one.action, one.patient_id, one.outcome, one.purpose) for one in await charts.audit()]
    assert told == [
        ("fhir.Composition.read", PATIENT, "allowed", "COVAUTH"),
        ("fhir.DocumentReference.searched", PATIENT, "allowed", "COVAUTH"),
        ("fhir.Composition.searched", PATIENT, "allowed", "COVAUTH"),
    ]


async def test_notes_of_another_instance_are_not_found(charts: Charts) -> None:
    visitor = new_id()
    await charts.hire(Role.SUPER_ADMIN, user_id=visitor, instance_id=OTHER_CLINIC)
    await charts.hear(held(0))
    (note_id,) = await note_ids(charts)
    there: dict[str, Any] = {"user_id": visitor, "instance_id": OTHER_CLINIC}
    await read(charts, f"Composition/{note_id}", status=404, **there)
    for query in (f"patient={PATIENT}", f"_id={note_id}"):
        assert "entry" not in await read(charts, f"Composition?{query}", **there)


@pytest.mark.rule("TAB-5")
async def test_records_are_read_by_fhir_whether_the_charts_have_their_tab_or_not(charts: Charts) -> None:
    await charts.hire(Role.RECORDS_ADMIN)
    await charts.hear(held(0))
    await charts.hear(NOTHING_HEARD.model_copy(update={"version": 1}), event_type=SETTINGS_CHANGED)
    assert await found(charts, f"patient={PATIENT}") == await note_ids(charts)


async def test_what_can_be_asked_for_is_told_to_everybody(charts: Charts) -> None:
    statement = await read(charts, "metadata", headers={"Authorization": ""})
    assert (statement["fhirVersion"], statement["rest"][0]["mode"]) == ("4.0.1", "server")
    told = {one["type"]: one for one in statement["rest"][0]["resource"]}
    assert sorted(told) == KINDS
    for one in told.values():
        assert [each["code"] for each in one["interaction"]] == ["read", "search-type"]
