"""What the rules say of one session's life, written down a second time: not a line of it is the service's.

Each method is one request by one person. It gives the status code that the rules want, and when that is a
success it does to this small model what the request does to the session.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Final

ADMINS: Final = {"Ada", "Rosa"}  # PERM-1
STARTERS: Final = {"Margaret", "Tom", "Ivy", "Frank"}  # PERM-2: two roles of three, and the feature alone
REVIEWERS: Final = {"Ruth", "Tom"}  # SIGN-3: where they do not lead
REVIEWED: Final = {"Ivy"}  # PERM-6
OTHERS: Final = {"Nora", "Dora", "Tess", "Fay"}  # PERM-7: no session, in whatever role
STRANGER: Final = "a Super Admin of another customer"
EVERYBODY: Final = (*sorted(ADMINS | STARTERS | REVIEWERS | OTHERS), STRANGER)

DONE, MADE, SEEN = 204, 201, 200
FORBIDDEN, ABSENT, CONFLICT, STALE, UNSAID = 403, 404, 409, 412, 428
UNSEEN: Final = "warnings-not-acknowledged"
"""A 409 of its own: something has to be acknowledged first (DIST-3, DOC-8)."""

NAMES: Final = ("Anna", "Bashir", "Chidi", "Dolores")
"""Of the patients, by number."""


@dataclass
class Entry:
    """One patient of the roster."""

    attendance: str | None = None
    attendance_version: int = 1
    note: str | None = None
    note_version: int = 1
    annotations: list[str] = field(default_factory=list)


@dataclass
class Paper:
    """One documenting of the session."""

    number: int
    topic: str = ""
    ended: bool = False
    roster: dict[int, Entry] = field(default_factory=dict)
    signed: list[tuple[str, str]] = field(default_factory=list)
    authors: set[str] = field(default_factory=set)
    """Who has led or written, whoever wrote over it (PERM-6, SIGN-3)."""

    @property
    def documented(self) -> bool:
        """Whether anything was written or marked (DOC-6)."""
        return self.ended or any(one.attendance or one.note for one in self.roster.values())

    @property
    def ready(self) -> bool:
        """Whether all is there that signing needs (DOC-3, DOC-4)."""
        complete = [
            one.attendance == "absent" or (one.attendance == "present" and bool(one.note))
            for one in self.roster.values()
        ]
        return bool(self.topic) and self.ended and bool(complete) and all(complete)

    def names_others(self, text: str, about: int | None) -> bool:
        return any(NAMES[one] in text for one in self.roster if one != about)

    @property
    def warnings(self) -> set[tuple[str, int | None]]:
        """What a signer has to acknowledge, and about whom it was written (DIST-3, DOC-8)."""
        notes = {patient: entry.note for patient, entry in self.roster.items() if entry.note}
        times = Counter(notes.values())
        texts = [(None, self.topic), *notes.items()]
        named = {about for about, text in texts if self.names_others(text, about)}
        alike = {patient for patient, note in notes.items() if times[note] > 1}
        return {("names_another_patient", one) for one in named} | {("notes_alike", one) for one in alike}


@dataclass
class Life:
    """One session from its plan on."""

    leaders: list[str]
    enrolled: Sequence[int]
    in_treatment: Sequence[int]
    status: str = "upcoming"
    paper: Paper | None = None
    papers: int = 0
    note_version: int = 1
    left_behind: dict[int, int] = field(default_factory=dict)
    """The highest version of a patient's parts that somebody may still have on the screen (DOC-5)."""
    have_led: set[str] = field(default_factory=set)
    """Who has ever signed as a leader."""
    deleted: list[tuple[str, Paper, list[str]]] = field(default_factory=list)
    events: list[tuple[str, int, int]] = field(default_factory=list)
    """Type, number of the paper, and how many annotations it tells of."""
    signatures: int = 0
    """How many were ever made: none ever goes away."""

    # Who may, and when.

    def _refusal(self, who: str, allowed: bool, *statuses: str) -> int | None:
        if who == STRANGER:
            return ABSENT
        if not allowed:
            return FORBIDDEN
        return None if self.status in statuses else CONFLICT

    def _writes(self, who: str) -> bool:
        return who in ADMINS or who in self.leaders  # PERM-1, PERM-4

    def _no_writing(self, who: str) -> int | None:
        refusal = self._refusal(who, self._writes(who), "in_progress")
        # SIGN-4: what one leader has signed is not changed under the signature.
        return refusal or (CONFLICT if self._open.signed else None)

    @property
    def _open(self) -> Paper:
        assert self.paper is not None
        return self.paper

    # What staff do.

    def see(self, who: str) -> int:
        if who == STRANGER:
            return ABSENT
        return FORBIDDEN if who in OTHERS else SEEN

    def start(self, who: str) -> int:
        allowed = who in ADMINS or (who in STARTERS and (not self.leaders or who in self.leaders))
        if refusal := self._refusal(who, allowed, "upcoming"):
            return refusal
        self.leaders = self.leaders or [who]  # PERM-3
        self.status = "in_progress"
        roster = {one: self._entry(one) for one in self.enrolled}
        self.paper = self._new_paper(Paper(number=0, roster=roster, authors=set(self.leaders)))
        self.note_version += bool(self.deleted)  # DOC-5
        return DONE

    def _entry(self, patient: int) -> Entry:
        version = self.left_behind.get(patient, 0) + 1
        return Entry(attendance_version=version, note_version=version)

    def _leave_behind(self, patient: int) -> None:
        entry = self._open.roster[patient]
        before = self.left_behind.get(patient, 0)
        self.left_behind[patient] = max(before, entry.attendance_version, entry.note_version)

    def _new_paper(self, content: Paper) -> Paper:
        self.papers += 1
        copy = deepcopy(content)
        copy.number, copy.signed = self.papers, []
        for patient, entry in copy.roster.items():
            entry.annotations = []
            self._raise(patient, entry)
        return copy

    def _raise(self, patient: int, entry: Entry) -> None:
        # DOC-5: above whatever was read of a later paper that was left behind.
        left = self.left_behind.get(patient, 0)
        if left > max(entry.attendance_version, entry.note_version):
            entry.attendance_version = entry.note_version = left + 1

    def write_group_note(self, who: str, topic: str, version: int | None) -> int:
        if refusal := self._no_writing(who):
            return refusal
        if version != self.note_version:
            return UNSAID if version is None else STALE
        self._open.topic, self._open.ended = topic, True
        self._open.authors.add(who)
        self.note_version += 1
        return DONE

    def write_note(self, who: str, patient: int, text: str, version: int | None) -> int:
        if refusal := self._no_writing(who):
            return refusal
        if version is None:
            return UNSAID
        if patient not in self._open.roster:
            return ABSENT
        entry = self._open.roster[patient]
        if version != entry.note_version:
            return STALE
        entry.note = text
        entry.note_version += 1
        self._open.authors.add(who)
        return DONE

    def mark(self, who: str, marks: Mapping[int, str], versions: Mapping[int, int | None]) -> int:
        if refusal := self._no_writing(who):
            return refusal
        if not marks.keys() <= self._open.roster.keys():
            return ABSENT
        for patient in marks:
            entry = self._open.roster[patient]
            # DOC-5: without a version nobody is marked again.
            known = (
                None if entry.attendance is None and versions[patient] is None else entry.attendance_version
            )
            if versions[patient] != known:
                return STALE
        for patient, mark in marks.items():
            entry = self._open.roster[patient]
            entry.attendance = mark
            entry.attendance_version += 1
            self._open.authors.add(who)
        return DONE

    def add(self, who: str, patient: int) -> int:
        if refusal := self._no_writing(who):
            return refusal
        if patient not in self.in_treatment:
            return CONFLICT
        self._open.roster.setdefault(patient, self._entry(patient))
        return DONE

    def remove(self, who: str, patient: int) -> int:
        if refusal := self._no_writing(who):
            return refusal
        if patient not in self._open.roster:
            return ABSENT
        self._leave_behind(patient)
        del self._open.roster[patient]
        return DONE

    def hand_over(self, who: str, leaders: Sequence[str]) -> int:
        if refusal := self._no_writing(who):
            return refusal
        if not set(leaders) <= ADMINS | STARTERS:
            return CONFLICT
        self.leaders = list(leaders)
        self._open.authors.update(leaders)
        return DONE

    def check(self, who: str) -> int:
        allowed = who in ADMINS or who in self.leaders or who in REVIEWERS
        return self._refusal(who, allowed, "in_progress", "pending_review") or SEEN

    def sign(self, who: str, shown: str, *, acknowledges: bool) -> int | str:
        if refusal := self._no_signing(who):
            return refusal
        if shown in {"another", "nothing"}:
            return UNSAID if shown == "nothing" else STALE
        if not self._open.ready:
            return CONFLICT
        if self._open.warnings and not acknowledges:
            return UNSEEN
        self._sign(who)
        return MADE

    def _no_signing(self, who: str) -> int | None:
        if self.paper and who in {name for name, _ in self.paper.signed}:
            return CONFLICT
        if who in self.leaders or self.status == "in_progress":
            return self._refusal(who, who in self.leaders, "in_progress")  # SIGN-1
        refusal = self._refusal(who, who in REVIEWERS, "pending_review")  # SIGN-3
        return refusal or (FORBIDDEN if who in self._authors() else None)

    def _sign(self, who: str) -> None:
        paper = self._open
        self.signatures += 1
        if self.status == "pending_review":
            paper.signed.append((who, "reviewer"))
            self._complete("reviewed")
            return
        paper.signed.append((who, "co-author" if paper.signed else "author"))
        self.have_led.add(who)
        if {name for name, _ in paper.signed} >= set(self.leaders):
            if REVIEWED & self._authors():
                self.status = "pending_review"  # SIGN-2
            else:
                self._complete("completed")

    def _authors(self) -> set[str]:
        # PERM-6: the session of one who has handed it over is still reviewed.
        return self._open.authors | self.have_led

    def _complete(self, how: str) -> None:
        self.status = "completed"
        self.events.append((how, self._open.number, 0))

    def send_back(self, who: str) -> int:
        refusal = self._refusal(who, who in REVIEWERS and who not in self.leaders, "pending_review")
        return refusal or self._write_on()

    def reopen(self, who: str) -> int:
        return self._refusal(who, self._writes(who), "in_progress") or self._write_on()

    def _write_on(self) -> int:
        self.status, self.paper = "in_progress", self._new_paper(self._open)
        return DONE

    def delete(self, who: str) -> int:
        statuses = ("in_progress", "pending_review", "completed")
        if refusal := self._refusal(who, who in ADMINS, *statuses):
            return refusal
        self.deleted.append((self.status, self._open, list(self.leaders)))
        for patient in self._open.roster:
            self._leave_behind(patient)
        if self.status == "completed":
            self.events.append(("retracted", self._open.number, 0))
        self.status, self.paper = "upcoming", None
        return DONE

    def restore(self, who: str) -> int:
        if refusal := self._refusal(who, who in ADMINS, "upcoming"):
            return refusal
        if not self.deleted:
            return CONFLICT
        filled = [one for one in self.deleted if one[1].documented]
        status, paper, leaders = (filled or self.deleted)[-1]
        # What was distributed is entered in error for good, and a draft has to go on: both in a copy (DOC-6).
        as_it_was = status == "pending_review" or (status == "in_progress" and bool(paper.signed))
        self.status = status if as_it_was else "in_progress"
        self.paper = paper if as_it_was else self._new_paper(paper)
        self.leaders = list(leaders)
        self.note_version += 1  # DOC-5
        return SEEN

    def annotate(self, who: str, patient: int, text: str, *, acknowledges: bool) -> int | str:
        reviewed = bool(self.paper) and (who, "reviewer") in self._open.signed
        if refusal := self._refusal(who, self._writes(who) or reviewed, "completed"):
            return refusal
        if patient not in self._open.roster:
            return ABSENT
        if self._open.names_others(text, patient) and not acknowledges:
            return UNSEEN
        self._open.roster[patient].annotations.append(text)
        told = sum(len(one.annotations) for one in self._open.roster.values())
        self.events.append(("annotated", self._open.number, told))
        return MADE
