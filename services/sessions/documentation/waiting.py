"""When a session waits for somebody, and for whom, as conditions of SESSION joined with TEMPLATE (DOC-7).

A session waits in one way at a time.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    and_,
    exists,
    extract,
    false,
    literal,
    not_,
    or_,
    select,
    true,
)

from services.sessions.directory.permissions import Action, may
from services.sessions.documentation.models import ROSTER_ENTRY, SIGNATURE
from services.sessions.scheduling.domain import Status
from services.sessions.scheduling.models import SESSION, SESSION_LEADER
from services.sessions.templates.models import TEMPLATE
from shared.database.transactions import Transaction
from shared.events.attention import Waiting
from shared.events.record import Attendance
from shared.events.staff import StaffAccess

GRACE: Final = timedelta(minutes=15)
"""How long after its planned start, or its planned end, a session is not late yet."""


def waits(db: Transaction, kind: Waiting, *, now: datetime) -> ColumnElement[bool]:
    """Give the condition of sessions that wait in this way."""
    late = now - GRACE
    written = or_(_signed(db), _is_written(db, now))
    conditions = {
        Waiting.NOT_STARTED: _is(Status.UPCOMING) & (SESSION.c.starts_at < late),
        Waiting.INCOMPLETE: _is(Status.IN_PROGRESS) & _ended_before(late) & not_(written),
        Waiting.AWAITING_SIGNATURE: _is(Status.IN_PROGRESS) & written,
        Waiting.AWAITING_REVIEW: _is(Status.PENDING_REVIEW),
    }
    return conditions[kind]


def on_the_list_of(db: Transaction, kind: Waiting, access: StaffAccess) -> ColumnElement[bool]:
    """Give the condition of sessions that a user sees on this worklist: admins all, others what is theirs."""
    if may(access, Action.START_ANY):
        return true()
    leads = _leads(db, access)
    if kind is Waiting.AWAITING_REVIEW:
        return not_(leads) if may(access, Action.REVIEW) else false()
    if kind is Waiting.AWAITING_SIGNATURE:
        return leads & not_(_signed(db, SIGNATURE.c.user_id == access.user_id))
    if kind is Waiting.NOT_STARTED and may(access, Action.START_OWN_OR_UNASSIGNED):
        return or_(leads, not_(_led(db)))
    return leads


def _is(status: Status) -> ColumnElement[bool]:
    return SESSION.c.status == status.value


def _ended_before(moment: datetime) -> ColumnElement[bool]:
    # Adding minutes to a moment is said in another way by each database; seconds are numbers in both.
    planned_end = extract("epoch", SESSION.c.starts_at) + SESSION.c.duration_minutes * 60
    # The first condition is the one that the index knows.
    return and_(SESSION.c.starts_at < moment, planned_end < literal(int(moment.timestamp()), BigInteger))


def _led(db: Transaction, *by: ColumnElement[bool]) -> ColumnElement[bool]:
    leader = SESSION_LEADER
    return exists(
        select(literal(1)).where(
            leader.c.session_id == SESSION.c.id, leader.c.instance_id == db.instance_id, *by
        )
    )


def _leads(db: Transaction, access: StaffAccess) -> ColumnElement[bool]:
    return _led(db, SESSION_LEADER.c.user_id == access.user_id)


def _signed(db: Transaction, *by: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists(
        select(literal(1)).where(
            SIGNATURE.c.documentation_id == SESSION.c.documentation_id,
            SIGNATURE.c.instance_id == db.instance_id,
            *by,
        )
    )


def _is_written(db: Transaction, now: datetime) -> ColumnElement[bool]:
    """Whether nothing is left empty; what contradicts itself is for the check before signing."""
    entry = ROSTER_ENTRY
    of_it = (entry.c.documentation_id == SESSION.c.documentation_id, entry.c.instance_id == db.instance_id)
    unwritten = and_(
        entry.c.attendance == Attendance.PRESENT.value,
        TEMPLATE.c.notes_required,
        not_(entry.c.has_note),
    )
    is_open = or_(entry.c.attendance.is_(None), unwritten)
    return and_(
        SESSION.c.has_topic,
        # Never NULL: what is not written must be written by somebody.
        SESSION.c.ended_at.is_not(None) & (SESSION.c.ended_at <= now),
        exists(select(literal(1)).where(*of_it)),
        not_(exists(select(literal(1)).where(*of_it, is_open))),
    )
