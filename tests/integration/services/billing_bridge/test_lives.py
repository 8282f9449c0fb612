"""Whole lives of charges against a model: events in any order and again, pushes that end in any way."""

import asyncio
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from services.billing_bridge.models import charge, charge_history, charge_status
from shared.database.engine import create_engine
from shared.database.migrations import upgrade
from shared.events.catalogue import SESSION_ANNOTATED, SESSION_COMPLETED, SESSION_RETRACTED
from shared.events.envelope import Envelope
from shared.events.record import Attendance, SessionRecord
from shared.testing.corrections import an_annotation, annotated, documented_again, retraction_of
from shared.testing.databases import database_on
from shared.testing.records import a_parcel, a_session_record, enveloped
from tests.integration.services.billing_bridge.conftest import Billing, billing_on
from tests.integration.services.billing_bridge.scripted_receiver import (
    ScriptedReceiver,
    answering,
    hanging_up,
    scripted_receiver,
)

ENDS = {"accepted": answering(201), "rejected": answering(400), "busy": answering(429), "hung up": hanging_up}
TAKEN = {"accepted", "hung up"}


async def _migrate(file: Path) -> None:
    engine = create_engine(f"sqlite+aiosqlite:///{file}")
    await upgrade(engine, "billing_bridge")
    await engine.dispose()


@dataclass
class Told:
    """One documentation in the model."""

    record: SessionRecord
    retracted: bool = False
    record_heard: bool = False
    retraction_heard: bool = False

    @property
    def present(self) -> set[UUID]:
        return {one.patient_id for one in self.record.participants if one.attendance is Attendance.PRESENT}


@dataclass
class OtherSide:
    """What the receiver may have, by key, and what a person has vouched for."""

    may_have: set[str] = field(default_factory=set)
    released: set[str] = field(default_factory=set)


class Lives(RuleBasedStateMachine):
    migrated: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.stack = asyncio.Runner(), AsyncExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="opencircle-life-"))
        self.told: list[Told] = []
        self.waiting: list[tuple[Told, Envelope[Any]]] = []
        self.sent: list[tuple[Told, Envelope[Any]]] = []
        self.other_side = OtherSide()
        self.past: list[tuple[Any, ...]] = []

    @initialize(deduplicates=st.booleans(), void=st.booleans())
    def begin(self, *, deduplicates: bool, void: bool) -> None:
        self.deduplicates = deduplicates
        self.billing, self.receiver = self.runner.run(self._begin(deduplicates=deduplicates))
        self._tell(Told(record=a_session_record(present=2, absent=1)))
        if void:
            self._retract(self.told[0])

    async def _begin(self, *, deduplicates: bool) -> tuple[Billing, ScriptedReceiver]:
        file = self.folder / "billing.sqlite3"
        shutil.copy(self.migrated, file)
        engine = create_engine(f"sqlite+aiosqlite:///{file}")
        self.stack.push_async_callback(engine.dispose)
        billing = await self.stack.enter_async_context(billing_on(database_on(engine), self.folder))
        receiver = await self.stack.enter_async_context(scripted_receiver())
        await billing.connect(receiver.url, deduplicates=deduplicates)
        return billing, receiver

    @precondition(lambda self: len(self.told) < 3)
    @rule(present=st.integers(0, 2))
    def document(self, present: int) -> None:
        self._tell(Told(record=a_session_record(present=present, absent=1)))

    def _tell(self, told: Told) -> None:
        self.told.append(told)
        self.waiting.append((told, enveloped(told.record, event_type=SESSION_COMPLETED)))

    @precondition(lambda self: self.told and len(self.waiting) < 4)
    @rule(data=st.data())
    def annotate(self, data: st.DataObject) -> None:
        told = data.draw(st.sampled_from(self.told))
        added = annotated(told.record, an_annotation(told.record.participants[0].patient_id))
        self.waiting.append((told, enveloped(added, event_type=SESSION_ANNOTATED)))

    @precondition(lambda self: any(not one.retracted for one in self.told))
    @rule(data=st.data(), again=st.booleans())
    def retract(self, data: st.DataObject, *, again: bool) -> None:
        told = data.draw(st.sampled_from([one for one in self.told if not one.retracted]))
        self._retract(told)
        if again:
            self._tell(Told(record=documented_again(told.record)))

    def _retract(self, told: Told) -> None:
        told.retracted = True
        self.waiting.append((told, enveloped(retraction_of(told.record), event_type=SESSION_RETRACTED)))

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), end=st.sampled_from(["hung up", *sorted(ENDS), ""]))
    def deliver(self, data: st.DataObject, end: str) -> None:
        # Followed by a push now and then: alone, either is rarely chosen.
        for _ in range(data.draw(st.integers(1, len(self.waiting)))):
            place = data.draw(st.sampled_from(range(len(self.waiting))))
            self.sent.append(self.waiting.pop(place))
            self._hear(*self.sent[-1])
        if end:
            self.push(end, 1)

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def deliver_again(self, data: st.DataObject) -> None:
        self._hear(*data.draw(st.sampled_from(self.sent)))

    def _hear(self, told: Told, envelope: Envelope[Any]) -> None:
        # Another delivery of the same fact, so that not the inbox alone keeps it from counting twice.
        other = envelope.model_copy(update={"id": UUID(int=envelope.id.int ^ len(self.past))})
        self.runner.run(self.billing.consuming.receive(a_parcel([other])))
        if envelope.type == SESSION_RETRACTED:
            told.retraction_heard = True
        else:
            told.record_heard = True

    @rule(end=st.sampled_from(sorted(ENDS)), hours=st.integers(0, 30))
    def wait_and_push(self, end: str, hours: int) -> None:
        self.push(end, hours)

    def push(self, end: str, hours: int) -> None:
        self.billing.watch.forward(hours=hours, seconds=30)
        self._push(end)

    def _push(self, end: str) -> None:
        before = len(self.receiver.received)
        self.receiver.script[:] = [ENDS[end]] * 50
        self.runner.run(self.billing.push())
        for key in self.receiver.keys[before:]:
            self._check_push(key)
            if end in TAKEN:
                self.other_side.may_have.add(key)
                self.other_side.released.discard(key)

    def _check_push(self, key: str) -> None:
        vouched_for = key in self.other_side.released
        assert self.deduplicates or vouched_for or key not in self.other_side.may_have, "sent twice"
        if key.endswith("-reversal"):
            of_charge = key.removesuffix("-reversal")
            assert of_charge in self.other_side.may_have, "reversed what was never there"

    @precondition(lambda self: any(one.record_heard and one.present for one in self.told))
    @rule(data=st.data(), deed=st.sampled_from(["hold", "release", "cancel", "confirm"]))
    def decide(self, data: st.DataObject, deed: str) -> None:
        charges = self.runner.run(self.billing.charges())
        one = data.draw(st.sampled_from(charges))
        path, why = f"/charges/{one.charge_id}/{deed}", {"reason": "As the biller says."}
        answer = self.runner.run(self.billing.ask(path, method="POST", content=why))
        assert answer.status_code in {200, 409}
        if answer.status_code == 200:
            self.other_side.released |= {str(one.charge_id), f"{one.charge_id}-reversal"}
            if deed == "confirm" or answer.json()["retracted"]:
                # The person says that it is there.
                self.other_side.may_have.add(str(one.charge_id))

    @invariant()
    def each_documentation_that_was_heard_of_is_charged_once(self) -> None:
        if not hasattr(self, "billing"):
            return
        rows = self.runner.run(self.billing.rows(select(charge)))
        made = sorted((row.documentation_id, row.patient_id) for row in rows)
        due = [
            (one.record.documentation_id, patient)
            for one in self.told
            if one.record_heard
            for patient in one.present
        ]
        assert made == sorted(due)

    @invariant()
    def history_only_grows_and_ends_where_the_charge_stands(self) -> None:
        if not hasattr(self, "billing"):
            return
        order = (charge_history.c.charge_id, charge_history.c.number)
        rows = [
            tuple(row) for row in self.runner.run(self.billing.rows(select(charge_history).order_by(*order)))
        ]
        assert set(self.past) <= set(rows)
        self.past = rows
        last = {row[0]: row[4] for row in rows}
        statuses = self.runner.run(self.billing.rows(select(charge_status)))
        assert {row.charge_id: row.status for row in statuses} == last

    @invariant()
    def what_is_void_is_never_accepted_or_about_to_be_charged(self) -> None:
        if not hasattr(self, "billing"):
            return
        void = {one.record.documentation_id for one in self.told if one.retraction_heard}
        joined = select(charge.c.documentation_id, charge_status).join(
            charge_status, charge_status.c.charge_id == charge.c.charge_id
        )
        for row in self.runner.run(self.billing.rows(joined)):
            assert row.retracted == (row.documentation_id in void)
            if row.retracted:
                assert row.status != "accepted"
                assert row.status not in {"pending", "sent"} or row.reversing

    def teardown(self) -> None:
        if hasattr(self, "billing"):
            for told, envelope in self.waiting:
                self._hear(told, envelope)
            for _ in range(12):
                self.billing.watch.forward(days=1)
                self._push("accepted")
            self._check_the_end()
            self.runner.run(self.stack.aclose())
        self.runner.close()
        shutil.rmtree(self.folder)

    def _check_the_end(self) -> None:
        rows = self.runner.run(self.billing.rows(select(charge_status)))
        for row in rows:
            settled = {"reversed"} if row.retracted else {"accepted", "reversed"}
            assert row.status in settled or row.reason, f"{row.status} without a reason"
            assert row.status not in {"pending", "sent"}


@pytest.mark.rule("BILL-2", "BILL-5", "BILL-6")
def test_every_life_of_a_charge_ends_as_the_model_says(tmp_path: Path) -> None:
    Lives.migrated = tmp_path / "migrated.sqlite3"
    asyncio.run(_migrate(Lives.migrated))
    Lives.TestCase.settings = settings(
        max_examples=40, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
    )
    Lives.TestCase("runTest").runTest()
