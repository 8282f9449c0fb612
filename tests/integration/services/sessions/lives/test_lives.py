"""Every action in every state by everybody, against what the rules say (PERM-1 to PERM-8)."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from services.sessions.documentation.models import ANNOTATION, ROSTER_ENTRY, SIGNATURE
from services.sessions.metadata import LEDGER
from services.sessions.scheduling.models import SESSION
from shared.events.catalogue import (
    SESSION_ANNOTATED,
    SESSION_COMPLETED,
    SESSION_RETRACTED,
    SESSION_REVIEWED,
    parse,
)
from tests.integration.services.sessions.lives.expectation import (
    ABSENT,
    CONFLICT,
    EVERYBODY,
    FORBIDDEN,
    MADE,
    SEEN,
    STALE,
    UNSAID,
    Life,
)
from tests.integration.services.sessions.lives.stage import (
    ENROLLED,
    GONE,
    IN_TREATMENT,
    PLANNED_LEADERS,
    Stage,
    set_stage,
)

NIGHTLY: Final = settings.get_current_profile_name() == "nightly"
SIZE: Final = (
    settings()
    if NIGHTLY
    else settings(
        max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
    )
)
STEPS_AT_LEAST: Final = 50_000 if NIGHTLY else 100

EVENTS: Final = {
    SESSION_COMPLETED: "completed",
    SESSION_REVIEWED: "reviewed",
    SESSION_ANNOTATED: "annotated",
    SESSION_RETRACTED: "retracted",
}
REASON: Final = {"reason": "By mistake"}
DIGEST_OF_NOTHING: Final = "0" * 64

A_LEADER: Final = "a leader"
# Often somebody who can get the session on: refusals alone lead nowhere.
PEOPLE = st.sampled_from((A_LEADER, A_LEADER, A_LEADER, "Ada", "Ruth")) | st.sampled_from(EVERYBODY)
PATIENTS = st.sampled_from((*IN_TREATMENT, GONE))
TEXTS = st.sampled_from(("Spoke of the week.", "", "Übung — 陳é 🙂"))
VERSIONS = st.sampled_from(("now", "now", "now", "stale", "unsaid"))
LEADERS = st.lists(
    st.sampled_from(("Margaret", "Tom", "Ivy", "Rosa", "Ruth")), min_size=1, max_size=3, unique=True
)
MARKS = st.dictionaries(PATIENTS, st.sampled_from(("present", "absent")), min_size=1)


class Lives(RuleBasedStateMachine):
    """One session in the hands of everybody."""

    stage: Stage
    answers: Counter[tuple[str, int]]

    @initialize(kind=st.integers(0, len(PLANNED_LEADERS) - 1), so_far=st.integers(0, 4))
    def plan(self, kind: int, so_far: int) -> None:
        """Begin with a plan, or further on: all that can be done is done in each stage of a life."""
        self.session_id = self.stage.next_session(kind)
        self.place = f"/v1/group-sessions/{self.session_id}"
        self.life = Life(leaders=list(PLANNED_LEADERS[kind]), enrolled=ENROLLED, in_treatment=IN_TREATMENT)
        self.first_seen: dict[Any, tuple[Any, ...]] = {}
        self.documentation_ids: set[UUID] = set()
        self.as_expected = True
        if so_far > 0:
            self.start(A_LEADER)
        if so_far > 1:
            self.document(A_LEADER)
        if so_far > 2:
            self.all_leaders_sign()
        if so_far > 3:
            self.sign("Ruth", "this document")

    # What is asked of the application, and what the rules want it to answer.

    def _ask(self, who: str, method: str, what: str, wanted: int, **rest: Any) -> Any:
        self.as_expected = False
        answer = self.stage.ask(who, method, f"{self.place}{what}", **rest)
        assert (answer.status_code, self._status()) == (wanted, self.life.status), answer.text
        if wanted in {FORBIDDEN, ABSENT, CONFLICT, STALE, UNSAID}:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]
        if wanted == STALE and rest.get("if_match") is not None:
            assert "etag" in answer.headers
        name = what.rsplit("/", maxsplit=1)[-1] if "roster" not in what else what.count("/") * "roster/"
        self.answers[(f"{method} {name}", wanted)] += 1
        self.as_expected = True
        return answer

    def _person(self, who: str) -> str:
        return next(iter(self.life.leaders), "Margaret") if who == A_LEADER else who

    def _status(self) -> str:
        (row,) = self.stage.rows(SESSION, "id", self.session_id)
        return str(row[SESSION.c.keys().index("status")])

    @rule(who=PEOPLE)
    def start(self, who: str) -> None:
        who = self._person(who)
        self._ask(who, "POST", "/start", self.life.start(who))

    @rule(who=PEOPLE, topic=st.sampled_from(("Cravings", "Sleep")), version=VERSIONS)
    def write_group_note(self, who: str, topic: str, version: str) -> None:
        who = self._person(who)
        if_match = _version(self.life.note_version, version)
        wanted = self.life.write_group_note(who, topic, if_match)
        body = {"topic": topic, **self._times()}
        self._ask(who, "PUT", "/group-note", wanted, json=body, if_match=if_match)

    def _times(self) -> dict[str, str]:
        ended_at = self.stage.clinic.clock()
        return {
            "started_at": ended_at.replace(hour=ended_at.hour - 1).isoformat(),
            "ended_at": ended_at.isoformat(),
        }

    @rule(who=PEOPLE, patient=PATIENTS, text=TEXTS, version=VERSIONS)
    def write_note(self, who: str, patient: int, text: str, version: str) -> None:
        who = self._person(who)
        entry = self.life.paper.roster.get(patient) if self.life.paper else None
        if_match = _version(entry.note_version if entry else 1, version)
        wanted = self.life.write_note(who, patient, text, if_match)
        self._ask(
            who, "PUT", f"/roster/{self._id(patient)}/note", wanted, json={"text": text}, if_match=if_match
        )

    @rule(who=PEOPLE, marks=MARKS, version=st.sampled_from((None, None, 1)))
    def mark(self, who: str, marks: dict[int, str], version: int | None) -> None:
        who = self._person(who)
        wanted = self.life.mark(who, marks, version)
        rows = [
            {"patient_id": str(self._id(one)), "attendance": mark, "version": version}
            for one, mark in marks.items()
        ]
        self._ask(who, "PUT", "/attendance", wanted, json={"marks": rows})

    @rule(who=PEOPLE, patient=PATIENTS)
    def add(self, who: str, patient: int) -> None:
        who = self._person(who)
        self._ask(who, "PUT", f"/roster/{self._id(patient)}", self.life.add(who, patient))

    @rule(who=PEOPLE, patient=PATIENTS)
    def remove(self, who: str, patient: int) -> None:
        who = self._person(who)
        wanted = self.life.remove(who, patient)
        self._ask(who, "POST", f"/roster/{self._id(patient)}/removal", wanted, json=REASON)

    @rule(who=PEOPLE, leaders=LEADERS)
    def hand_over(self, who: str, leaders: list[str]) -> None:
        who = self._person(who)
        wanted = self.life.hand_over(who, leaders)
        ids = [str(self.stage.clinic.id_of(name)) for name in leaders]
        self._ask(who, "PUT", "/leaders", wanted, json={"leader_ids": ids}, if_match="*")

    @rule(who=PEOPLE)
    def document(self, who: str) -> None:
        """Have one person write all that signing needs: chance alone rarely gets there."""
        who = self._person(who)
        paper = self.life.paper
        roster = list(paper.roster) if paper else list(ENROLLED)
        self.write_group_note(who, "Cravings", "now")
        for patient in roster:
            self.write_note(who, patient, "Spoke of the week.", "now")
        if roster:
            self.mark(who, dict.fromkeys(roster, "present"), None)

    @rule(who=PEOPLE, shown=st.sampled_from(("this document",) * 4 + ("another", "nothing")))
    def sign(self, who: str, shown: str) -> None:
        who = self._person(who)
        digest = DIGEST_OF_NOTHING
        if shown == "this document":
            digest = self.stage.ask("Ada", "GET", f"{self.place}/document").json()["document_sha256"]
        wanted = self.life.sign(who, shown)
        body = None if shown == "nothing" else {"document_sha256": digest}
        answer = self._ask(who, "POST", "/signatures", wanted, json=body)
        if wanted == MADE:
            assert answer.json() == {"status": self.life.status}
            self._look_at_what_is_final()

    @rule()
    def all_leaders_sign(self) -> None:
        for name in list(self.life.leaders):
            self.sign(name, "this document")

    @rule(who=PEOPLE)
    def send_back(self, who: str) -> None:
        who = self._person(who)
        self._ask(who, "POST", "/return", self.life.send_back(who), json=REASON)

    @rule(who=PEOPLE)
    def reopen(self, who: str) -> None:
        who = self._person(who)
        self._ask(who, "POST", "/reopening", self.life.reopen(who), json=REASON)

    @rule(who=PEOPLE)
    def delete(self, who: str) -> None:
        who = self._person(who)
        self._ask(who, "POST", "/deletion", self.life.delete(who), json=REASON)

    @rule(who=PEOPLE)
    def restore(self, who: str) -> None:
        who = self._person(who)
        self._ask(who, "POST", "/restoration", self.life.restore(who))

    @rule(who=PEOPLE, patient=PATIENTS)
    def annotate(self, who: str, patient: int) -> None:
        who = self._person(who)
        text = f"Added as number {len(self.life.events)}."
        wanted = self.life.annotate(who, patient, text)
        self._ask(who, "POST", f"/roster/{self._id(patient)}/annotations", wanted, json={"text": text})
        if wanted == MADE:
            self._look_at_what_is_final()

    @rule(who=PEOPLE)
    def see(self, who: str) -> None:
        who = self._person(who)
        wanted = self.life.see(who)
        answer = self._ask(who, "GET", "", wanted)
        if wanted == SEEN:
            assert self._shown(answer.json()) == self._expected()

    def _id(self, patient: int) -> UUID:
        return self.stage.clinic.patient_ids[patient]

    def _shown(self, session: dict[str, Any]) -> dict[str, Any]:
        return {
            "topic": session["topic"],
            "leaders": [one["first_name"] for one in session["leaders"]],
            "signed": sorted((one["printed_name"], one["meaning"]) for one in session["signatures"]),
            "roster": {
                one["patient_id"]: (
                    one["attendance"],
                    one["attendance_version"],
                    one["individual_note"],
                    one["note_version"],
                    sorted(added["text"] for added in one["annotations"]),
                )
                for one in session["roster"]
            },
        }

    def _expected(self) -> dict[str, Any]:
        paper = self.life.paper
        return {
            "topic": paper.topic if paper else "",
            "leaders": self.life.leaders,
            "signed": sorted((f"{name} Chen", meaning) for name, meaning in paper.signed) if paper else [],
            "roster": {
                str(self._id(patient)): (
                    one.attendance,
                    one.attendance_version,
                    one.note,
                    one.note_version,
                    sorted(one.annotations),
                )
                for patient, one in (paper.roster.items() if paper else ())
            },
        }

    # What holds at the end of each life.

    def _look_at_what_is_final(self) -> None:
        (session,) = self.stage.rows(SESSION, "id", self.session_id)
        documentation_id = session[SESSION.c.keys().index("documentation_id")]
        final = [
            *self.stage.rows(SIGNATURE, "session_id", self.session_id),
            *self.stage.rows(ANNOTATION, "documentation_id", documentation_id),
            *self.stage.rows(ROSTER_ENTRY, "documentation_id", documentation_id),
        ]
        for row in final:
            assert self.first_seen.setdefault(row[:2], row) == row
        self.documentation_ids.add(documentation_id)

    def teardown(self) -> None:
        # After a failure the rest would only hide it.
        if not getattr(self, "as_expected", False):
            return
        self.see("Ada")
        now = {row[:2]: row for row in self._final_rows()}
        assert {key: now.get(key) for key in self.first_seen} == self.first_seen
        assert len(self.stage.rows(SIGNATURE, "session_id", self.session_id)) == self.life.signatures
        assert _renumbered(self._told()) == _renumbered(self.life.events)
        if self.life.paper and self.life.paper.signed:
            assert self.stage.ask("Ada", "GET", f"{self.place}/verification").json()["holds"] is True

    def _final_rows(self) -> Iterator[tuple[Any, ...]]:
        yield from self.stage.rows(SIGNATURE, "session_id", self.session_id)
        for one in self.documentation_ids:
            yield from self.stage.rows(ANNOTATION, "documentation_id", one)
            yield from self.stage.rows(ROSTER_ENTRY, "documentation_id", one)

    def _told(self) -> list[tuple[str, Any, int]]:
        columns = LEDGER.event.c.keys()
        told = []
        for row in self.stage.rows(LEDGER.event, "subject", str(self.session_id)):
            kind, body = row[columns.index("type")], row[columns.index("body")]
            facts = parse(body, kind).data
            told.append((EVENTS[kind], facts.documentation_id, len(getattr(facts, "annotations", ()))))
        return told


def _renumbered(events: Sequence[tuple[str, Any, int]]) -> list[tuple[str, int, int]]:
    """Count documentings in the order in which they are told of."""
    order = list(dict.fromkeys(which for _, which, _ in events))
    return [(kind, order.index(which), added) for kind, which, added in events]


def _version(now: int, which: str) -> int | None:
    return {"now": now, "stale": now + 1, "unsaid": None}[which]


@pytest.mark.slow
@pytest.mark.timeout(7200 if NIGHTLY else 300)
@pytest.mark.rule(
    "PERM-1", "PERM-2", "PERM-3", "PERM-4", "PERM-5", "PERM-6", "PERM-7", "PERM-8", "DOC-2", "DOC-3", "DOC-5",
    "DOC-6", "SIGN-1", "SIGN-2", "SIGN-3", "SIGN-4", "SIGN-5",
)  # fmt: skip
def test_whatever_is_done_in_whatever_order_is_allowed_or_refused_as_the_rules_say(tmp_path: Path) -> None:
    loop = asyncio.new_event_loop()
    Lives.stage, Lives.answers = set_stage(tmp_path, loop), Counter()
    try:
        run_state_machine_as_test(Lives, settings=SIZE)
    finally:
        loop.run_until_complete(Lives.stage.client.aclose())
        loop.run_until_complete(Lives.stage.clinic.database.engine.dispose())
        loop.close()
    print(f"{Lives.answers.total()} steps", *sorted(Lives.answers.items()), sep="\n")  # noqa: T201 - for -rP
    assert Lives.answers.total() >= STEPS_AT_LEAST
