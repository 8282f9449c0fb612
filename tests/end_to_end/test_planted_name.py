"""A name that stands nowhere else in the world is planted, and then searched for where nobody may find it."""

import json
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from multiprocessing.util import get_temp_dir
from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from pypdf import PdfReader

from deploy.embedded.demo.clinic import Front
from deploy.embedded.demo.plan import GROUPS
from deploy.embedded.demo.receiver import Receiver, receiver_in
from deploy.embedded.demo.sample import write_sample
from deploy.embedded.demo.setting_up import Clinic, import_directory, open_clinic, plan_day
from deploy.embedded.demo.waiting import eventually
from deploy.embedded.deployment import Deployment, free_port, running
from shared.events.catalogue import SESSION_COMPLETED
from shared.identifiers import new_id
from shared.messaging.broker import Broker, Outgoing
from shared.messaging.celery_application import new_celery_application
from shared.messaging.messages import DELIVER_TASK
from shared.messaging.sealing import KeyRing, new_key_ring
from tests.integration.services.billing_bridge.connectors.speakers import (
    FAIL,
    HANG_UP,
    OtherSide,
    hl7_over_mllp,
    other_side,
)

# First in the alphabet, so that the patient belongs to every group.
GIVEN, FAMILY, NICKNAME, MRN = "Quintessa槲寄生", "Aabrüggenfeld", "زرقاءاليمامة", "MRN-PLANTED-7Q"
NOTE, ABOUT = "Zaubernussgeheimnis", "Щукинатайна"
PLANTED = ("Quintessa", "槲寄生", FAMILY, NICKNAME, MRN, NOTE, ABOUT)
EVERYWHERE = " ".join(PLANTED)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A deployment with a clinic in it, and the billing systems that it pushes to."""

    deployment: Deployment
    clinic: Clinic
    webhook: Receiver
    hl7: OtherSide
    sessions: list[str]

    @property
    def planted_id(self) -> str:
        return next(str(one["id"]) for one in self.clinic.patients if one["last_name"] == FAMILY)

    @property
    def another_id(self) -> str:
        """Someone who sat beside them in every group."""
        return next(str(one["id"]) for one in self.clinic.patients if one["last_name"] != FAMILY)


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Stage]:
    data = folder / "fhir"
    write_sample(data)
    _plant(data / "Patient.000.ndjson")
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(receiver_in(folder / "billing-system"))
        # One charge is answered with nonsense, one not at all.
        hl7 = await stack.enter_async_context(other_side(hl7_over_mllp("hl7"), FAIL, HANG_UP))
        deployment = await stack.enter_async_context(
            running(folder / "opencircle", port=free_port(), report=lambda *_: None)
        )
        http = await stack.enter_async_context(httpx2.AsyncClient(base_url=deployment.address, timeout=60))
        login = deployment.first_login()
        assert login is not None
        admin = await Front(http=http).log_in(*login)
        await import_directory(admin, data)
        clinic = await open_clinic(admin, receiver)
        sessions = await plan_day(clinic)
        yield Stage(
            deployment=deployment,
            clinic=clinic,
            webhook=receiver,
            hl7=hl7,
            sessions=sessions,
        )


def _plant(patients: Path) -> None:
    first, *others = patients.read_text(encoding="utf-8").splitlines()
    planted = json.loads(first)
    planted["name"] = [
        {"use": "official", "given": [GIVEN], "family": FAMILY},
        {"use": "nickname", "given": [NICKNAME]},
    ]
    planted["identifier"][0]["value"] = MRN
    patients.write_text("\n".join([json.dumps(planted), *others]), encoding="utf-8")


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder of all parts; not pytest's, as the path of a socket in it has to be short."""
    get_temp_dir()  # multiprocessing's own, which is there to the end of this process
    with tempfile.TemporaryDirectory(prefix="planted-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield Path(folder)


@pytest.mark.timeout(240)
@pytest.mark.rule("DIST-3")
async def test_a_planted_name_is_found_nowhere_but_where_it_belongs(tmp_path: Path, temporary: Path) -> None:
    async with staged(tmp_path) as stage:
        await _document(stage, 0)
        await _change_to_hl7(stage)
        await _document(stage, 1)
        await eventually(lambda: _all_is_filed(stage))
        await _ask_badly(stage)
        await _send_bad_messages(stage)
        assert any(_holds(paper) for paper in await _papers_of(stage, stage.planted_id))
        exposed = {
            "papers of another": await _papers_of(stage, stage.another_id),
            "said to another": await _said_to_another(stage),
            "metrics": [await stage.clinic.admin.get_bytes("/metrics")],
            "command lines": list(_command_lines()),
            "files": [file.read_bytes() for file in _files(stage, temporary)],
        }
        assert {place for place, found in exposed.items() if not found} == set()
        assert {place for place, found in exposed.items() if any(map(_holds, found))} == set()


async def _document(stage: Stage, number: int) -> None:
    """Write and sign a session; whatever is rendered meanwhile is killed over it."""
    leader = stage.clinic.therapists[GROUPS[number].leader]
    place = f"/v1/group-sessions/{stage.sessions[number]}"
    await stage.clinic.admin.post(f"{place}/sign-in-sheet")
    os.kill(int((stage.deployment.folder.pids / "printing.render_worker.pid").read_text()), signal.SIGKILL)
    await leader.post(f"{place}/start")
    session = await leader.get(place)
    roster = [entry["patient_id"] for entry in session["roster"]]
    marks = [{"patient_id": one, "attendance": "present"} for one in roster]
    await leader.put(f"{place}/attendance", {"marks": marks})
    starts_at = datetime.fromisoformat(session["starts_at"])
    group_note = {
        "topic": "Naming what we feel",
        "description": "Members listened without advice.",
        "started_at": session["starts_at"],
        "ended_at": (starts_at + timedelta(minutes=GROUPS[number].minutes)).isoformat(),
    }
    await leader.put(f"{place}/group-note", group_note)
    for entry, patient_id in enumerate(roster):
        planted = patient_id == stage.planted_id
        text = f"Spoke of {NOTE} and {ABOUT}." if planted else f"Took part, listened {entry} times."
        await leader.put(f"{place}/roster/{patient_id}/note", {"text": text})
    await leader.sign(place)


async def _change_to_hl7(stage: Stage) -> None:
    address = {"url": stage.hl7.url.removesuffix("/charges"), "settings": dict(stage.hl7.speaker.settings)}
    await stage.clinic.admin.put("/v1/billing/connections/hl7", address)
    await stage.clinic.admin.patch("/v1/settings", {"integrated_billing": "hl7"})


async def _all_is_filed(stage: Stage) -> bool:
    """Tell whether every note is there and both billing systems have heard of their charges."""
    sizes = {number: GROUPS[number].size for number in (0, 1)}
    filings = [
        await stage.clinic.admin.get(f"/v1/charts/sessions/{stage.sessions[number]}/filing")
        for number in sizes
    ]
    received = (await stage.clinic.admin.http.get(stage.webhook.counts_url)).json()
    heard = not stage.hl7.script  # everything that it was told to do to a charge is done
    return [one["count"] for one in filings] == [*sizes.values()] and received["accepted"] > 0 and heard


async def _ask_badly(stage: Stage) -> None:
    """Put the planted words wherever a request has a place for them, where they don't belong."""
    http, place = stage.clinic.admin.http, f"/v1/group-sessions/{stage.sessions[2]}"
    ours = {"Authorization": f"Bearer {stage.clinic.admin.token}"}
    body = dict.fromkeys(("first_name", "mrn", "born_on", "text", "description", EVERYWHERE), EVERYWHERE)
    for method, path in (
        ("POST", "/v1/directory/patients"),
        ("PUT", f"{place}/roster/{stage.planted_id}/note"),
        ("PUT", f"{place}/group-note"),
        ("POST", f"{place}/signatures"),
        ("PATCH", f"/v1/group-sessions/{quote(EVERYWHERE)}"),
        ("POST", "/v1/token"),
        ("PUT", "/v1/billing/connections/webhook"),
        ("POST", "/v1/printing/chart-notes"),
        ("POST", f"/v1/charts/{quote(EVERYWHERE)}"),
    ):
        for content in ({"json": body}, {"content": b"{" + EVERYWHERE.encode()}):
            key = {"Idempotency-Key": f"{new_id()}", "If-Match": '"1"'}
            answer = await http.request(method, path, headers=ours | key, **content)
            assert answer.is_client_error, (method, path, answer.status_code)
    searched = {"name": EVERYWHERE, EVERYWHERE: "1"}
    for path in ("/v1/directory/patients", "/v1/charts/fhir/DocumentReference", "/v1/billing/charges"):
        await http.get(path, headers=ours | {"User-Agent": quote(EVERYWHERE)}, params=searched)
    await http.get("/v1/me", headers={"Authorization": f"Bearer {quote(EVERYWHERE)}"})


async def _send_bad_messages(stage: Stage) -> None:
    """Send every worker a parcel that is sealed but can't be applied, and one that nobody sealed."""
    keys = KeyRing.parse((stage.deployment.folder.root / "message.keys").read_text())
    environment = stage.deployment.folder.told()
    broker = Broker(
        application=new_celery_application(name="forger", broker_url=environment["OPENCIRCLE_BROKER_URL"])
    )
    body = json.dumps({"specversion": "1.0", "data": {"name": EVERYWHERE}, EVERYWHERE: 1})
    delivery = {"delivery_id": str(new_id()), "event_id": str(new_id()), "ring": 1, "body": body}
    parcel = {"receipts_to": "nobody", "deliveries": [delivery | {"type": SESSION_COMPLETED}]}
    sealed = keys.seal(parcel, purpose=DELIVER_TASK)
    forged = KeyRing.parse(new_key_ring()).seal(parcel, purpose=DELIVER_TASK)
    for queue in ("charts", "billing_bridge", "printing"):
        broker.send([Outgoing(queue=queue, task=DELIVER_TASK, sealed=one) for one in (sealed, forged)])
    logs = stage.deployment.folder.logs

    async def told() -> bool:
        said = "".join(file.read_text() for file in logs.glob("*.worker.log"))
        return said.count("delivery.failed") >= 3 and said.count("message.refused") >= 3

    await eventually(told)


async def _papers_of(stage: Stage, patient_id: str) -> list[bytes]:
    """Give all that shows one patient's notes: JSON, HTML, FHIR and the text of the PDFs."""
    admin = stage.clinic.admin
    notes = (await admin.get(f"/v1/charts/patients/{patient_id}/notes"))["items"]
    papers = [json.dumps(notes, ensure_ascii=False).encode()]
    for note in notes:
        papers.append(await admin.get_bytes(f"/v1/charts/notes/{note['note_id']}"))
        papers.append(await admin.get_bytes(f"/v1/charts/notes/{note['note_id']}.html"))
        papers.append(await _printed(admin, note["documentation_id"], patient_id))
    kinds = ("Composition", "DocumentReference")
    return papers + [await admin.get_bytes(f"/v1/charts/fhir/{kind}?patient={patient_id}") for kind in kinds]


async def _printed(admin: Front, documentation_id: str, patient_id: str) -> bytes:
    asked = {"documentation_id": documentation_id, "patient_id": patient_id}
    job = f"/v1/printing/jobs/{(await admin.post('/v1/printing/chart-notes', asked))['id']}"

    async def ready() -> bool:
        return bool((await admin.get(job))["status"] == "ready")

    await eventually(ready)
    pages = PdfReader(BytesIO(await admin.get_bytes(f"{job}/file"))).pages
    return "".join(page.extract_text() for page in pages).encode()


async def _said_to_another(stage: Stage) -> list[bytes]:
    """Give what someone is told who may read nothing of the planted patient's."""
    stranger = stage.clinic.therapists[-1]
    headers = {"Authorization": f"Bearer {stranger.token}"}
    paths = (
        f"/v1/directory/patients/{stage.planted_id}",
        f"/v1/group-sessions/{stage.sessions[0]}/roster/{stage.planted_id}/note",
        f"/v1/billing/charges?patient_id={stage.planted_id}",
        "/v1/billing/worklist",
        "/v1/printing/counts",
    )
    answers = [await stranger.http.get(path, headers=headers) for path in paths]
    return [answer.content for answer in answers if answer.is_error]


def _command_lines() -> Iterator[bytes]:
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield file.read_bytes()


def _files(stage: Stage, temporary: Path) -> Iterator[Path]:
    """Find all files that are no database and no storage of documents: logs, broker, run, temporary ones."""
    folder = stage.deployment.folder
    for kept in (folder.logs, folder.broker, folder.pids, temporary):
        yield from (file for file in kept.rglob("*") if file.is_file())


def _holds(text: bytes) -> bool:
    """Tell whether one of the planted words is in it, as it is or as JSON, HTML or an address writes it."""
    forms = {form for word in PLANTED for form in (word, json.dumps(word)[1:-1], quote(word))}
    return any(form.encode() in text for form in forms)
