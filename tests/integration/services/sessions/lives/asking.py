"""One life on the stage: requests with the answers that the rules want, and what has to stay as it is."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from hypothesis import event
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy import select

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
    FORBIDDEN,
    SEEN,
    STALE,
    UNSAID,
    UNSEEN,
    Life,
)
from tests.integration.services.sessions.lives.inline import Answer
from tests.integration.services.sessions.lives.stage import ENROLLED, IN_TREATMENT, PLANNED_LEADERS, Stage

EVENTS: Final = {
    SESSION_COMPLETED: "completed",
    SESSION_REVIEWED: "reviewed",
    SESSION_ANNOTATED: "annotated",
    SESSION_RETRACTED: "retracted",
}
AN_ID: Final = re.compile(r"[0-9a-f-]{36}")
A_LEADER: Final = "a leader"
THE_LAST_LEADER: Final = "the last leader"


class LifeOnStage(RuleBasedStateMachine):
    """What the rules of the machine are made of."""

    stage: Stage
    answers: Counter[tuple[str, int | str]]
    transitions: Counter[str]

    def begin(self, kind: int) -> None:
        self.session_id = self.stage.next_session(kind)
        self.place = f"/v1/group-sessions/{self.session_id}"
        self.life = Life(leaders=list(PLANNED_LEADERS[kind]), enrolled=ENROLLED, in_treatment=IN_TREATMENT)
        self.first_seen: dict[Any, tuple[Any, ...]] = {}
        self.documentation_ids: set[UUID] = set()
        self.before = self.life.status
        self.as_expected = True

    def ask(self, who: str, method: str, what: str, wanted: int | str, **rest: Any) -> Answer:
        self.as_expected = False
        answer = self.stage.ask(who, method, f"{self.place}{what}", **rest)
        status = CONFLICT if wanted == UNSEEN else wanted
        assert (answer.status_code, self._status()) == (status, self.life.status), answer.text
        if status in {FORBIDDEN, ABSENT, CONFLICT, STALE, UNSAID}:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]
            assert (UNSEEN in answer.json()["type"]) == (wanted == UNSEEN)
        if wanted == STALE and rest.get("if_match") is not None:
            assert "etag" in answer.headers
        self._count(f"{method} {AN_ID.sub('{patient_id}', what).removeprefix('/')}", wanted)
        self.as_expected = True
        return answer

    def _count(self, asked: str, wanted: int | str) -> None:
        self.answers[asked, wanted] += 1
        if self.life.status != self.before:
            moved = f"{self.before} to {self.life.status} by {asked}"
            self.transitions[moved] += 1
            event(moved)
            self.before = self.life.status

    def person(self, who: str) -> str:
        if who in {A_LEADER, THE_LAST_LEADER}:
            leaders = self.life.leaders or ["Margaret"]
            return leaders[0 if who == A_LEADER else -1]
        return who

    def _status(self) -> str:
        return str(self.stage.scalar(select(SESSION.c.status).where(SESSION.c.id == self.session_id)))

    # What is seen.

    def see(self, who: str) -> None:
        wanted = self.life.see(who)
        answer = self.ask(who, "GET", "", wanted)
        if wanted == SEEN:
            assert self._shown(answer.json()) == self._expected()

    def check(self, who: str) -> dict[str, Any]:
        """Give what the check before signing shows, or what refuses it."""
        wanted = self.life.check(who)
        shown: dict[str, Any] = self.ask(who, "GET", "/pre-sign-check", wanted).json()
        if wanted == SEEN:
            paper = self.life.paper
            assert paper is not None
            assert _warned(shown["findings"]) == {
                (kind, "topic" if about is None else str(self.id_of(about))) for kind, about in paper.warnings
            }
            assert any(one["blocking"] for one in shown["findings"]) == (not paper.ready)
        return shown

    def id_of(self, patient: int) -> UUID:
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
                str(self.id_of(patient)): (
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

    def look_at_what_is_final(self) -> None:
        of_session = select(SESSION.c.documentation_id).where(SESSION.c.id == self.session_id)
        documentation_id = self.stage.scalar(of_session)
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


def _warned(findings: Sequence[dict[str, Any]]) -> set[tuple[str, str]]:
    """Give of each warning its kind, and `topic` or the id of the patient whose note it is."""
    return {
        (one["kind"], pointer.removesuffix("/note").rpartition("/")[2])
        for one in findings
        if one["needs_acknowledgement"]
        for pointer in one["pointers"]
    }


def _renumbered(events: Sequence[tuple[str, Any, int]]) -> list[tuple[str, int, int]]:
    """Count documentings in the order in which they are told of."""
    order = list(dict.fromkeys(which for _, which, _ in events))
    return [(kind, order.index(which), added) for kind, which, added in events]
