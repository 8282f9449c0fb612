"""The life of a session from its start to its last signature, without any I/O."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final
from uuid import UUID

from services.sessions.scheduling.domain import Status
from shared.events.record import Attendance, SignatureMeaning

MINUTES_AT_MOST = 24 * 60
BEGINS_LATE_AT_MOST: Final = timedelta(hours=6)

FRESH_AUTHENTICATION = timedelta(minutes=5)
"""How long after logging in a user may sign without proving who they are again (SIGN-4)."""

CLOCK_SKEW: Final = timedelta(seconds=60)
"""How far ahead of ours the issuer's clock may go: a later log-in is none that has happened."""


@dataclass(frozen=True, kw_only=True)
class GroupSession:
    """One occurrence of a group, with what is written for all."""

    id: UUID
    template_id: UUID
    location_id: UUID
    held_on: date
    title: str
    starts_at: datetime
    duration_minutes: int
    status: Status
    version: int
    documentation_id: UUID | None
    started_at: datetime | None
    ended_at: datetime | None
    topic: str
    description: str
    leader_ids: tuple[UUID, ...]

    @property
    def minutes(self) -> int:
        """How long it took, in whole minutes; 0 while the end is open."""
        if self.started_at is None or self.ended_at is None:
            return 0
        return int((self.ended_at - self.started_at).total_seconds()) // 60


@dataclass(frozen=True, kw_only=True)
class RosterEntry:
    """One patient of the roster, and what was written about them."""

    patient_id: UUID
    attendance: Attendance | None
    minutes: int | None
    """The patient's own time; None: as long as the session took."""
    individual_note: str | None
    arrived_at: datetime | None = None
    left_at: datetime | None = None
    absence_reason: str | None = None
    problems: tuple[str, ...] = ()
    """Problems of the treatment plan that the note is about (DOC-4)."""

    def minutes_in(self, session: GroupSession) -> int:
        """The patient's own time in the session: between coming and going, where these are known."""
        if self.attendance is not Attendance.PRESENT:
            return 0
        if self.arrived_at is None and self.left_at is None:
            return session.minutes if self.minutes is None else self.minutes
        came, went = self.arrived_at or session.started_at, self.left_at or session.ended_at
        return int((went - came).total_seconds()) // 60 if came and went else 0

    def was_within(self, session: GroupSession) -> bool:
        """Whether coming and going are inside of the session, and in this order."""
        if self.arrived_at is None and self.left_at is None:
            return True
        moments = (session.started_at, self.arrived_at, self.left_at, session.ended_at)
        known = [moment for moment in moments if moment is not None]
        return known == sorted(known)


@dataclass(frozen=True, kw_only=True)
class DaysOf:
    """Sessions of one location, or of one schedule template, on some days, both ends included."""

    location_id: UUID | None
    schedule_id: UUID | None
    since: date
    until: date


@dataclass(frozen=True, kw_only=True)
class Signer:
    """A signature that is there already."""

    user_id: UUID
    meaning: SignatureMeaning


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """Something that must be done before anyone signs, and where."""

    pointer: str
    detail: str


_EMPTY_ROSTER: Final = "nobody is on the roster: add who came, or delete the session"


def obstacles(
    session: GroupSession,
    roster: Sequence[RosterEntry],
    *,
    notes_required: bool,
    zone: tzinfo,
    now: datetime,
) -> list[Obstacle]:
    """List what is missing before the session can be signed, at a location in `zone` (DOC-3, DOC-4)."""
    found = []
    if not session.topic.strip():
        found.append(Obstacle(pointer="#/group_note/topic", detail="write the topic"))
    found += _obstacles_of_times(session, zone, now)
    if not roster:
        found.append(Obstacle(pointer="#/roster", detail=_EMPTY_ROSTER))
    for entry in roster:
        found += _obstacles_of(entry, session, notes_required=notes_required)
    return found


def _obstacles_of_times(session: GroupSession, zone: tzinfo, now: datetime) -> Iterator[Obstacle]:
    """Times that nobody can have meant: they would become a date of service and minutes of a bill."""
    start, end = session.started_at, session.ended_at
    if start is None or end is None or not 1 <= session.minutes <= MINUTES_AT_MOST:
        yield Obstacle(pointer="#/group_note/ended_at", detail="state an end within 24 h after the start")
    elif end > now:
        yield Obstacle(pointer="#/group_note/ended_at", detail="the end lies in the future")
    # The date of service is the date at the location on which it began, also of one that ends past midnight.
    if start is not None and not _is_of_its_day(start, session, zone):
        yield Obstacle(pointer="#/group_note/started_at", detail=f"is not on {session.held_on}")


def _is_of_its_day(start: datetime, session: GroupSession, zone: tzinfo) -> bool:
    # A group late in the evening may begin past midnight.
    was_late = timedelta(0) <= start - session.starts_at <= BEGINS_LATE_AT_MOST
    return was_late or start.astimezone(zone).date() == session.held_on


def _obstacles_of(entry: RosterEntry, session: GroupSession, *, notes_required: bool) -> list[Obstacle]:
    place = f"#/roster/{entry.patient_id}"
    found = []
    if entry.attendance is None:
        found.append(Obstacle(pointer=f"{place}/attendance", detail="mark present or absent"))
    present = entry.attendance is Attendance.PRESENT
    if present and notes_required and not (entry.individual_note or "").strip():
        found.append(Obstacle(pointer=f"{place}/note", detail="write the individual note"))
    if present and entry.minutes is not None and session.ended_at and entry.minutes > session.minutes:
        found.append(Obstacle(pointer=f"{place}/minutes", detail="more minutes than the session took"))
    if present and not entry.was_within(session):
        detail = "coming and going must lie within the session, in this order"
        found.append(Obstacle(pointer=f"{place}/arrived_at", detail=detail))
    return found


def leaders_meaning(signed: Collection[Signer]) -> SignatureMeaning:
    """Give the meaning of the next leader's signature: the first one authors, others co-author."""
    authored = any(one.meaning is SignatureMeaning.AUTHOR for one in signed)
    return SignatureMeaning.CO_AUTHOR if authored else SignatureMeaning.AUTHOR


def status_after_leader(session: GroupSession, signed: Collection[UUID], *, review_required: bool) -> Status:
    """Where the session stands once these leaders have signed (SIGN-1, SIGN-2)."""
    if not set(session.leader_ids) <= set(signed):
        return Status.IN_PROGRESS
    return Status.PENDING_REVIEW if review_required else Status.COMPLETED
