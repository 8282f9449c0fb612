"""Whole lives of sessions, delivered shuffled, doubled, late and over restarts, against a model (DIST-5)."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from services.charts.consumers import HANDLERS
from services.charts.domain import NoteStatus, note_id_of
from services.charts.models import inbox
from services.charts.standing import STATUS, notes
from services.charts.totals import attendance
from services.charts.views import WHOLE, read_notes
from shared.database.engine import create_engine
from shared.events.catalogue import SESSION_ANNOTATED, SESSION_COMPLETED, SESSION_RETRACTED, SESSION_REVIEWED
from shared.events.envelope import Envelope
from shared.events.record import Attendance, SessionRecord
from shared.identifiers import new_id
from shared.messaging.consuming import Consuming
from shared.testing.corrections import an_annotation, annotated, retraction_of
from shared.testing.databases import database_on
from shared.testing.records import a_parcel, a_patient, a_session_record, enveloped
from tests.integration.services.charts.conftest import Charts

ROSTERS = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(Attendance)), min_size=1, unique_by=lambda one: one[0]
)


@dataclass
class Session:
    """What really happened, in the service that documents."""

    id: UUID = field(default_factory=new_id)
    version: int = 0
    record: SessionRecord | None = None
    """The documentation that counts now, with its annotations."""


@dataclass
class Heard:
    """What the charts have been told of one documentation."""

    session_id: UUID
    version: int = 0
    patients: dict[UUID, Attendance] = field(default_factory=dict)
    annotations: set[UUID] = field(default_factory=set)
    retracted: bool = False


class Lives(RuleBasedStateMachine):
    documented = Bundle("documented")
    empty = Bundle("empty")

    def __init__(self, runner: asyncio.Runner, url: str) -> None:
        super().__init__()
        self.runner, self.url = runner, url
        self.instance_id = new_id()
        self.published: list[Envelope[Any]] = []
        self.heard: dict[UUID, Heard] = {}
        self.sessions: list[Session] = []
        self.start()

    def start(self) -> None:
        self.database = database_on(create_engine(self.url, pool_size=1))
        self.consuming = Consuming(consumer="charts", database=self.database, inbox=inbox, handlers=HANDLERS)

    @initialize(target=empty, count=st.integers(1, 2))
    def plan(self, count: int) -> Any:
        self.sessions = [Session() for _ in range(count)]
        return multiple(*self.sessions)

    @rule(
        target=documented,
        session=consumes(empty),
        roster=ROSTERS,
        event_type=st.sampled_from([SESSION_COMPLETED, SESSION_REVIEWED]),
    )
    def document(self, session: Session, roster: list[tuple[int, Attendance]], event_type: str) -> Session:
        session.version += 1
        patients = tuple(a_patient(number, attendance=there) for number, there in roster)
        session.record = a_session_record(
            session_id=session.id, version=session.version, participants=patients
        )
        self._publish(session.record, event_type)
        return session

    @rule(session=documented, whom=st.integers(0, 3))
    def annotate(self, session: Session, whom: int) -> None:
        assert session.record is not None
        session.version += 1
        patient = session.record.participants[whom % len(session.record.participants)]
        added = annotated(session.record, an_annotation(patient.patient_id))
        session.record = added.model_copy(update={"version": session.version})
        self._publish(session.record, SESSION_ANNOTATED)

    @rule(target=empty, session=consumes(documented))
    def retract(self, session: Session) -> Session:
        assert session.record is not None
        retraction = retraction_of(session.record.model_copy(update={"version": session.version}))
        session.version, session.record = retraction.version, None
        self._publish(retraction, SESSION_RETRACTED)
        return session

    def _publish(self, facts: Any, event_type: str) -> None:
        self.published.append(enveloped(facts, event_type=event_type, instance_id=self.instance_id))

    @rule(data=st.data())
    def deliver(self, data: st.DataObject) -> None:
        """Any of what was ever published, in any order, more than once, in parcels of any size."""
        if self.published:
            chosen = data.draw(st.lists(st.sampled_from(self.published), min_size=1, max_size=8))
            places = data.draw(st.sets(st.integers(1, len(chosen)), max_size=3))
            self._hear(chosen, cut_at=sorted(places | {len(chosen)}))

    @rule()
    def restart(self) -> None:
        self.runner.run(self.database.engine.dispose())
        self.start()

    def _hear(self, envelopes: list[Envelope[Any]], *, cut_at: list[int]) -> None:
        begin = 0
        for end in cut_at:
            # A delivery that is rung again has the event's id, and is another delivery.
            unique = {one.id: one for one in envelopes[begin:end]}
            if unique:
                self.runner.run(self.consuming.receive(a_parcel(list(unique.values()))))
            begin = end
        for one in envelopes:
            self._note(one)

    def _note(self, envelope: Envelope[Any]) -> None:
        facts = envelope.data
        heard = self.heard.setdefault(facts.documentation_id, Heard(session_id=facts.session_id))
        if envelope.type == SESSION_RETRACTED:
            heard.retracted = True
            return
        heard.version = heard.version or facts.version
        heard.patients = {one.patient_id: one.attendance for one in facts.participants}
        heard.annotations |= {one.annotation_id for one in facts.annotations}

    @invariant()
    def charts_tell_what_they_have_heard(self) -> None:
        assert self.runner.run(self._statuses()) == dict(self._expected())

    async def _statuses(self) -> dict[UUID, str]:
        async with self.database.reading(self.instance_id) as db:
            rows = await db.all(notes(db, *WHOLE[:1], STATUS))
        statuses = {row.id: row.status for row in rows}
        assert len(statuses) == len(rows)
        return statuses

    def _expected(self) -> Iterator[tuple[UUID, str]]:
        newest: dict[UUID, int] = defaultdict(int)
        for one in self.heard.values():
            newest[one.session_id] = max(newest[one.session_id], one.version)
        for documentation_id, one in self.heard.items():
            void = one.retracted or one.version < newest[one.session_id]
            for patient_id in one.patients:
                note_id = note_id_of(documentation_id, patient_id)
                added = any(self._is_of(note_id, documentation_id, each) for each in one.annotations)
                status = NoteStatus.AMENDED if added else NoteStatus.FINAL
                yield note_id, (NoteStatus.ENTERED_IN_ERROR if void else status).value

    def _is_of(self, note_id: UUID, documentation_id: UUID, annotation_id: UUID) -> bool:
        records = (one.data for one in self.published if isinstance(one.data, SessionRecord))
        return any(
            note_id_of(documentation_id, added.patient_id) == note_id
            for record in records
            for added in record.annotations
            if added.annotation_id == annotation_id
        )

    def teardown(self) -> None:
        """Everything arrives in the end, and then the charts tell the truth."""
        self._hear(self.published[::-1], cut_at=[len(self.published)])
        self.charts_tell_what_they_have_heard()
        counted = self.runner.run(self._current())
        truth = {
            (one.id, patient.patient_id): (patient.attendance.value, self._added(one, patient.patient_id))
            for one in self.sessions
            if one.record
            for patient in one.record.participants
        }
        assert counted == truth
        self.runner.run(self._totals_are(truth))
        self.runner.run(self.database.engine.dispose())

    def _added(self, session: Session, patient_id: UUID) -> int:
        assert session.record is not None
        return sum(one.patient_id == patient_id for one in session.record.annotations)

    async def _current(self) -> dict[tuple[UUID, UUID], tuple[str, int]]:
        current: dict[tuple[UUID, UUID], tuple[str, int]] = {}
        async with self.database.reading(self.instance_id) as db:
            for one in await read_notes(db, notes(db, *WHOLE)):
                note = json.loads(one.served)
                if note["status"] != NoteStatus.ENTERED_IN_ERROR:
                    key = UUID(note["session_id"]), one.patient_id
                    assert key not in current
                    current[key] = note["attendance"], len(note["annotations"])
        return current

    async def _totals_are(self, truth: dict[tuple[UUID, UUID], tuple[str, int]]) -> None:
        expected: dict[UUID, dict[str, int]] = defaultdict(lambda: {"present": 0, "absent": 0})
        for (_, patient_id), (there, _) in truth.items():
            expected[patient_id][there] += 1
        async with self.database.reading(self.instance_id) as db:
            for patient_id, counts in expected.items():
                (group,) = json.loads(await attendance(db, patient_id))["groups"]
                assert {name: group[name] for name in ("present", "absent")} == counts


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.rule("DIST-5", "DOC-6", "SIGN-5", "SET-4")
def test_however_lives_are_delivered_each_patient_has_one_current_note_a_session(charts: Charts) -> None:
    url = charts.database.engine.url.render_as_string(hide_password=False)
    with asyncio.Runner() as runner:
        run_state_machine_as_test(
            # It takes any factory.
            lambda: Lives(runner, url),  # type: ignore[arg-type]
            settings=settings(
                max_examples=25,
                stateful_step_count=20,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
