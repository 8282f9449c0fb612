"""The sessions service asks and the billing bridge answers, both as their roots build them (BILL-8)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from pydantic import SecretStr

from services.billing_bridge.domain import charges_for
from services.billing_bridge.main import create_application as create_billing_bridge
from services.sessions.documentation import billing_preview
from services.sessions.documentation.models import SIGNATURE
from services.sessions.documentation.schemas import ShownCheck
from services.sessions.main import build_application
from services.sessions.metadata import LEDGER
from services.sessions.settings import SessionsSettings
from shared.events.catalogue import parse
from shared.events.preview import PREVIEW_PATH, REQUEST_PURPOSE
from shared.messaging.sealing import KeyRing, new_key_ring
from shared.settings import Settings
from shared.testing.identity import ISSUER, TokenIssuer
from shared.testing.records import CLINIC
from tests.integration.services.sessions.clinic import BILLING, Clinic, SetClock
from tests.support.databases import OpenDatabase

KEYS: Final = new_key_ring()
OTHER_KEYS: Final = new_key_ring()


class Wire(httpx2.AsyncBaseTransport):
    """What lies between the two services: it counts, and can be cut."""

    def __init__(self, bridge: httpx2.AsyncBaseTransport) -> None:
        self.bridge = bridge
        self.asked: list[bytes] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(await request.aread())
        if self.meanwhile is not None:
            await self.meanwhile()
        return await self.bridge.handle_async_request(request)


@dataclass(kw_only=True)
class BilledClinic(Clinic):
    """A clinic with integrated billing, and the wire to its billing bridge."""

    wire: Wire
    keys: KeyRing = field(default_factory=lambda: KeyRing.parse(KEYS))

    async def check(self, session_id: UUID) -> dict[str, Any]:
        seen: dict[str, Any] = await self.do(
            "Margaret", "GET", f"/v1/group-sessions/{session_id}/pre-sign-check"
        )
        ShownCheck.model_validate(seen)
        return seen

    async def with_a_short_stay(self, **template: Any) -> UUID:
        """A documented session that one patient left after ten minutes, under the minimum of 16."""
        session_id = await self.documented(**{"billing": BILLING} | template)
        mark = {"patient_id": str(self.patient_ids[0]), "attendance": "present", "minutes": 10, "version": 2}
        path = f"/v1/group-sessions/{session_id}/attendance"
        await self.do("Margaret", "PUT", path, json={"marks": [mark]})
        return session_id


def _environment(folder: Path, keys: str, database_url: str) -> dict[str, str]:
    return {
        "OPENCIRCLE_ENVIRONMENT": "embedded",
        "OPENCIRCLE_BROKER_URL": "redis://unused",
        "OPENCIRCLE_MESSAGE_KEYS": keys,
        "OPENCIRCLE_ISSUER": ISSUER,
        "OPENCIRCLE_TOKEN_KEYS": str(TokenIssuer(folder).key_file),
        "OPENCIRCLE_BILLING_DATABASE_URL": database_url,
        "OPENCIRCLE_BILLING_CONNECTION_KEYS": new_key_ring(),
    }


@pytest_asyncio.fixture
async def clinic(
    open_database: OpenDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> AsyncIterator[BilledClinic]:
    """The bridge holds the same message keys, unless a test is parametrised with others."""
    (tmp_path / "billing").mkdir()
    url = (await open_database("billing_bridge")).engine.url.render_as_string(hide_password=False)
    for name, value in _environment(tmp_path / "billing", getattr(request, "param", KEYS), url).items():
        monkeypatch.setenv(name, value)
    bridge = create_billing_bridge()
    wire = Wire(httpx2.ASGITransport(app=bridge))
    issuer, clock, database = TokenIssuer(tmp_path), SetClock(), await open_database("sessions")
    settings = Settings(
        broker_url=SecretStr("redis://unused"),
        message_keys=SecretStr(KEYS),
        issuer=ISSUER,
        token_keys=str(issuer.key_file),
    )
    own = SessionsSettings(database_url=SecretStr("given by the fixture"), horizon_days=1)
    async with httpx2.AsyncClient(transport=wire, base_url="http://billing") as client:
        application = build_application(settings, own, database=database, clock=clock, billing=client)
        clinic = BilledClinic(
            application=application,
            database=database,
            issuer=issuer,
            clock=clock,
            instance_id=CLINIC,
            wire=wire,
        )
        await clinic.open(integrated_billing="webhook")
        yield clinic
    await bridge.state.database.engine.dispose()


@pytest.mark.rule("BILL-8")
async def test_the_check_shows_what_the_event_will_be_charged(clinic: BilledClinic) -> None:
    session_id = await clinic.with_a_short_stay()
    check = await clinic.check(session_id)
    ids = [one["id"] for one in check["findings"]]
    assert (await clinic.sign(session_id, acknowledged=ids)).json() == {"status": "completed"}
    (event,) = await clinic.rows(LEDGER.event)
    made = charges_for(parse(event.body, event.type).data)
    shown = [(UUID(one["patient_id"]), line) for one in check["charges"] for line in one["charges"]]
    assert [
        (patient, line["code"], line["units"], line["minutes"], line["modifiers"], line["held_because"])
        for patient, line in shown
    ] == [
        (one.patient_id, one.code, one.units, one.minutes, list(one.modifiers), one.lacking) for one in made
    ]
    assert len(made) == 2


@pytest.mark.rule("BILL-8", "BILL-3")
async def test_what_would_be_held_is_acknowledged(clinic: BilledClinic) -> None:
    session_id = await clinic.with_a_short_stay()
    check = await clinic.check(session_id)
    (finding,) = check["findings"]
    assert (finding["kind"], finding["blocking"], finding["pointers"]) == (
        "would_be_held",
        False,
        [f"#/roster/{clinic.patient_ids[0]}"],
    )
    assert "10 minutes are under the minimum of 16." in finding["detail"]
    assert (await clinic.sign(session_id)).status_code == 409
    assert (await clinic.sign(session_id, acknowledged=[finding["id"]])).status_code == 201


@pytest.mark.rule("BILL-8")
async def test_one_reason_for_many_is_one_finding(clinic: BilledClinic) -> None:
    ended = [code | {"ends_on": "2021-01-01"} for code in BILLING["codes"]]
    session_id = await clinic.documented(billing=BILLING | {"codes": ended})
    (finding,) = (await clinic.check(session_id))["findings"]
    assert set(finding["pointers"]) == {f"#/roster/{one}" for one in clinic.patient_ids[:2]}


@pytest.mark.rule("BILL-8", "DIST-3")
async def test_what_travels_is_sealed_and_names_nobody(clinic: BilledClinic) -> None:
    await clinic.check(await clinic.with_a_short_stay())
    (body,) = clinic.wire.asked
    sealed = httpx2.Response(200, content=body).json()["sealed"]
    opened = str(clinic.keys.unseal(sealed, purpose=REQUEST_PURPOSE))
    assert not any(str(one.id) in body.decode() for one in clinic.patients)
    for one in clinic.patients:
        assert not any(name in opened for name in (one.first_name, one.last_name, one.mrn))
    assert "Note number" not in opened
    assert "cravings" not in opened


@pytest.mark.rule("SET-6")
async def test_a_group_without_billing_asks_nobody(clinic: BilledClinic) -> None:
    check = await clinic.check(await clinic.documented())
    assert (check["findings"], check["charges"], clinic.wire.asked) == ([], [], [])


@pytest.mark.rule("BILL-8")
async def test_without_times_there_is_nothing_to_preview(clinic: BilledClinic) -> None:
    check = await clinic.check(await clinic.started(billing=BILLING))
    assert {one["kind"] for one in check["findings"]} >= {"times_not_right"}
    assert (check["charges"], clinic.wire.asked) == (None, [])


async def _is_told_and_signed(clinic: BilledClinic) -> None:
    session_id = await clinic.with_a_short_stay()
    check = await clinic.check(session_id)
    (finding,) = check["findings"]
    assert (finding["kind"], finding["blocking"], finding["needs_acknowledgement"]) == (
        "preview_unavailable",
        False,
        False,
    )
    assert check["charges"] is None
    assert (await clinic.sign(session_id)).json() == {"status": "completed"}


@pytest.mark.rule("BILL-8")
async def test_while_billing_is_down_sessions_are_signed(clinic: BilledClinic) -> None:
    async def cut() -> None:
        raise httpx2.ConnectError("nobody listens")

    clinic.wire.meanwhile = cut
    await _is_told_and_signed(clinic)


@pytest.mark.rule("BILL-8")
async def test_slow_billing_is_not_waited_for(clinic: BilledClinic, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(billing_preview, "PREVIEW_SECONDS", 0.05)
    clinic.wire.meanwhile = never
    await _is_told_and_signed(clinic)


@pytest.mark.rule("BILL-8")
@pytest.mark.parametrize("clinic", [OTHER_KEYS], indirect=True, ids=["other keys"])
async def test_a_bridge_with_other_keys_is_as_good_as_none(clinic: BilledClinic) -> None:
    await _is_told_and_signed(clinic)


@pytest.mark.rule("BILL-8")
@pytest.mark.parametrize("told", [b"", b"{}", b'{"sealed": "k1.AAAA"}', b"<html>"])
async def test_what_is_no_answer_is_as_good_as_none(clinic: BilledClinic, told: bytes) -> None:
    clinic.wire.bridge = httpx2.MockTransport(lambda _: httpx2.Response(200, content=told))
    await _is_told_and_signed(clinic)


@pytest.mark.rule("BILL-8")
async def test_an_answer_to_another_request_is_no_answer(clinic: BilledClinic) -> None:
    await clinic.check(await clinic.documented(billing=BILLING))
    transport = httpx2.ASGITransport(app=create_billing_bridge())
    async with httpx2.AsyncClient(transport=transport, base_url="http://billing") as client:
        (asked,) = clinic.wire.asked
        headers = {"content-type": "application/json"}
        old = (await client.post(PREVIEW_PATH, content=asked, headers=headers)).content
    clinic.wire.bridge = httpx2.MockTransport(lambda _: httpx2.Response(200, content=old))
    await _is_told_and_signed(clinic)


async def test_no_transaction_is_open_while_billing_is_asked(clinic: BilledClinic) -> None:
    session_id = await clinic.documented(billing=BILLING)
    pool: Any = clinic.database.engine.pool
    open_then: list[int] = []

    async def count() -> None:
        open_then.append(pool.checkedout())

    clinic.wire.meanwhile = count
    assert (await clinic.sign(session_id)).status_code == 201
    assert open_then == [0]


@pytest.mark.rule("SIGN-4", "DOC-5")
async def test_what_was_written_while_billing_was_asked_is_not_signed_unseen(clinic: BilledClinic) -> None:
    session_id = await clinic.documented(billing=BILLING)

    async def write() -> None:
        clinic.wire.meanwhile = None
        await clinic.write_note(session_id, clinic.patient_ids[0], "Changed meanwhile.", if_match='"2"')

    clinic.wire.meanwhile = write
    assert (await clinic.sign(session_id)).status_code == 412
    assert await clinic.rows(SIGNATURE) == []
