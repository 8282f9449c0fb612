"""What can be done to a session, by anybody at any time, and what gets it on."""

from typing import Final

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.integration.services.sessions.lives.asking import A_LEADER, THE_LAST_LEADER, LifeOnStage
from tests.integration.services.sessions.lives.expectation import EVERYBODY, MADE, NAMES, SEEN, UNSEEN
from tests.integration.services.sessions.lives.stage import ENROLLED, GONE, IN_TREATMENT

REASON: Final = {"reason": "By mistake"}
DIGEST_OF_NOTHING: Final = "0" * 64

# Often somebody who can get the session on: refusals alone lead nowhere.
PEOPLE = st.sampled_from((A_LEADER, A_LEADER, THE_LAST_LEADER, "Ada", "Ruth")) | st.sampled_from(EVERYBODY)
ADMINS = st.sampled_from(("Ada", "Rosa"))
PATIENTS = st.sampled_from((*IN_TREATMENT, GONE))
TEXTS = st.sampled_from(("Spoke of the week.", "", "Übung — 陳é 🙂", f"{NAMES[1]} was kind."))
TOPICS = st.sampled_from(("Cravings", "Sleep", f"What {NAMES[0]} said"))
VERSIONS = st.sampled_from(("now", "now", "now", "stale", "unsaid"))
SHOWN = st.sampled_from(("the check",) * 4 + ("the document", "another", "nothing"))
LEADERS = st.lists(
    st.sampled_from(("Margaret", "Tom", "Ivy", "Rosa", "Ruth")), min_size=1, max_size=3, unique=True
)
MARKS = st.dictionaries(PATIENTS, st.sampled_from(("present", "absent")), min_size=1)


class Lives(LifeOnStage):
    """One session in the hands of everybody."""

    planned: tuple[int, ...]

    @initialize(place=st.integers(0, 5), so_far=st.integers(0, 5))
    def plan(self, place: int, so_far: int) -> None:
        """Begin with a plan, or further on: all that can be done is done in each stage of a life."""
        self.begin(self.planned[place % len(self.planned)])
        if so_far > 0:
            self.start(A_LEADER)
        if so_far > 1:
            self.document(A_LEADER)
        if so_far > 2:
            self.all_leaders_sign()
        if so_far > 3:
            self.sign("Ruth", "the check")
        if so_far > 4:
            self.delete("Ada")

    # Everything at any time by anybody.

    @rule(who=PEOPLE)
    def start(self, who: str) -> None:
        who = self.person(who)
        self.ask(who, "POST", "/start", self.life.start(who))

    @rule(who=PEOPLE, topic=TOPICS, version=VERSIONS)
    def write_group_note(self, who: str, topic: str, version: str) -> None:
        who = self.person(who)
        if_match = _version(self.life.note_version, version)
        wanted = self.life.write_group_note(who, topic, if_match)
        body = {"topic": topic, **self._times()}
        self.ask(who, "PUT", "/group-note", wanted, json=body, if_match=if_match)

    def _times(self) -> dict[str, str]:
        ended_at = self.stage.clinic.clock()
        return {
            "started_at": ended_at.replace(hour=ended_at.hour - 1).isoformat(),
            "ended_at": ended_at.isoformat(),
        }

    @rule(who=PEOPLE, patient=PATIENTS, text=TEXTS, version=VERSIONS)
    def write_note(self, who: str, patient: int, text: str, version: str) -> None:
        who = self.person(who)
        if_match = _version(self._note_version(patient), version)
        wanted = self.life.write_note(who, patient, text, if_match)
        place = f"/roster/{self.id_of(patient)}/note"
        self.ask(who, "PUT", place, wanted, json={"text": text}, if_match=if_match)

    def _note_version(self, patient: int) -> int:
        entry = self.life.paper.roster.get(patient) if self.life.paper else None
        return entry.note_version if entry else 1

    @rule(who=PEOPLE, marks=MARKS, version=VERSIONS)
    def mark(self, who: str, marks: dict[int, str], version: str) -> None:
        who = self.person(who)
        roster = self.life.paper.roster if self.life.paper else {}
        versions = {
            one: _version(roster[one].attendance_version if one in roster else 1, version) for one in marks
        }
        wanted = self.life.mark(who, marks, versions)
        rows = [
            {"patient_id": str(self.id_of(one)), "attendance": mark, "version": versions[one]}
            for one, mark in marks.items()
        ]
        self.ask(who, "PUT", "/attendance", wanted, json={"marks": rows})

    @rule(who=PEOPLE, patient=PATIENTS)
    def add(self, who: str, patient: int) -> None:
        who = self.person(who)
        self.ask(who, "PUT", f"/roster/{self.id_of(patient)}", self.life.add(who, patient))

    @rule(who=PEOPLE, patient=PATIENTS)
    def remove(self, who: str, patient: int) -> None:
        who = self.person(who)
        wanted = self.life.remove(who, patient)
        self.ask(who, "POST", f"/roster/{self.id_of(patient)}/removal", wanted, json=REASON)

    @rule(who=PEOPLE, leaders=LEADERS)
    def hand_over(self, who: str, leaders: list[str]) -> None:
        who = self.person(who)
        wanted = self.life.hand_over(who, leaders)
        ids = [str(self.stage.clinic.id_of(name)) for name in leaders]
        self.ask(who, "PUT", "/leaders", wanted, json={"leader_ids": ids})

    @rule(who=PEOPLE, shown=SHOWN)
    def sign(self, who: str, shown: str) -> None:
        who = self.person(who)
        digest, seen = self._read(shown)
        wanted = self.life.sign(who, shown, acknowledges=shown == "the check")
        body = None if shown == "nothing" else {"document_sha256": digest, "acknowledged": seen}
        answer = self.ask(who, "POST", "/signatures", wanted, json=body)
        if wanted == MADE:
            assert answer.json() == {"status": self.life.status}
            self.look_at_what_is_final()

    def _read(self, shown: str) -> tuple[str, list[str]]:
        """Give the digest of what the signer was shown, and what was acknowledged there."""
        if shown == "the check" and self.life.check("Ada") == SEEN:
            check = self.check("Ada")
            return check["document_sha256"], [one["id"] for one in check["findings"]]
        if shown == "the document":
            answer = self.stage.ask("Ada", "GET", f"{self.place}/document")
            return answer.json()["document_sha256"], []
        return DIGEST_OF_NOTHING, []

    @rule(who=PEOPLE)
    def send_back(self, who: str) -> None:
        who = self.person(who)
        self.ask(who, "POST", "/return", self.life.send_back(who), json=REASON)

    @rule(who=PEOPLE)
    def reopen(self, who: str) -> None:
        who = self.person(who)
        self.ask(who, "POST", "/reopening", self.life.reopen(who), json=REASON)

    @rule(who=PEOPLE)
    def delete(self, who: str) -> None:
        who = self.person(who)
        self.ask(who, "POST", "/deletion", self.life.delete(who), json=REASON)

    @rule(who=PEOPLE)
    def restore(self, who: str) -> None:
        who = self.person(who)
        self.ask(who, "POST", "/restoration", self.life.restore(who))

    @rule(who=PEOPLE, patient=PATIENTS, of=st.sampled_from((None, None, *IN_TREATMENT)))
    def annotate(self, who: str, patient: int, of: int | None) -> None:
        """Add to a note; when the text names another patient, say so after the refusal has asked for it."""
        who = self.person(who)
        text = f"{'This' if of is None else NAMES[of]} was added as number {len(self.life.events)}."
        place = f"/roster/{self.id_of(patient)}/annotations"
        wanted = self.life.annotate(who, patient, text, acknowledges=False)
        answer = self.ask(who, "POST", place, wanted, json={"text": text})
        if wanted == UNSEEN:
            wanted = self.life.annotate(who, patient, text, acknowledges=True)
            seen = [one["id"] for one in answer.json()["errors"]]
            self.ask(who, "POST", place, wanted, json={"text": text, "acknowledged": seen})
        if wanted == MADE:
            self.look_at_what_is_final()

    @rule(who=PEOPLE)
    def look(self, who: str) -> None:
        self.see(self.person(who))

    @rule(who=PEOPLE)
    def look_before_signing(self, who: str) -> None:
        self.check(self.person(who))

    # What gets a session on where chance alone rarely does.

    @rule(who=PEOPLE)
    def document(self, who: str) -> None:
        """Have one person write all that signing needs."""
        who = self.person(who)
        roster = list(self.life.paper.roster) if self.life.paper else list(ENROLLED)
        self.write_group_note(who, "Cravings", "now")
        for patient in roster:
            self.write_note(who, patient, f"Spoke of week {patient}.", "now")
        if roster:
            self.mark(who, dict.fromkeys(roster, "present"), "now")

    @precondition(lambda self: self.life.status == "in_progress")
    @rule()
    def all_leaders_sign(self) -> None:
        if self.life.paper and not self.life.paper.ready:
            self.document(A_LEADER)
        for name in list(self.life.leaders):
            self.sign(name, "the check")

    @precondition(lambda self: self.life.status == "in_progress")
    @rule(topic=TOPICS)
    def two_write_at_once(self, topic: str) -> None:
        """The second one has not seen what the first one wrote (DOC-5)."""
        now = self.life.note_version
        self.write_group_note(A_LEADER, "Sleep", "now")
        if self.life.note_version > now:
            who = self.person(THE_LAST_LEADER)
            wanted = self.life.write_group_note(who, topic, now)
            self.ask(who, "PUT", "/group-note", wanted, json={"topic": topic, **self._times()}, if_match=now)

    @precondition(lambda self: self.life.status == "in_progress")
    @rule(second=st.sampled_from(("Tom", "Ivy")))
    def share(self, second: str) -> None:
        """Two lead from now on: one signature is not enough."""
        self.hand_over(A_LEADER, ["Margaret", second])

    @precondition(lambda self: self.life.status == "in_progress")
    @rule(alone=st.sampled_from(("Margaret", "Tom")))
    def take_it_over(self, alone: str) -> None:
        """Lead alone and save every part anew: none shows any more who wrote it before (PERM-6, SIGN-3)."""
        self.hand_over(A_LEADER, [alone])
        self.document(alone)
        self.all_leaders_sign()

    @precondition(lambda self: self.life.status == "in_progress")
    @rule()
    def have_it_reviewed(self) -> None:
        """Give it to somebody whose notes are reviewed, sign, and let the reviewer decide."""
        self.hand_over(A_LEADER, ["Ivy"])
        self.all_leaders_sign()
        self.return_or_review()

    @precondition(lambda self: self.life.status == "pending_review")
    @rule()
    def return_or_review(self) -> None:
        if self.life.papers % 2:
            self.send_back("Ruth")
        else:
            self.sign("Ruth", "the check")

    @precondition(lambda self: self.life.status == "completed")
    @rule(who=st.sampled_from((A_LEADER, "Ada", "Ruth")), patient=st.sampled_from(ENROLLED))
    def add_to_what_is_final(self, who: str, patient: int) -> None:
        self.annotate(who, patient, None)

    @precondition(lambda self: self.life.status != "upcoming")
    @rule(who=ADMINS)
    def delete_and_restore(self, who: str) -> None:
        """Do both at once: between them most of what can be done ends what can be restored."""
        self.delete(who)
        self.restore("Ada")


def _version(now: int, which: str) -> int | None:
    return {"now": now, "stale": now + 1, "unsaid": None}[which]
