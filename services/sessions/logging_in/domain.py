"""How many log-ins may fail, and how long one of them lasts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

ACCESS_TOKEN_LASTS: Final = timedelta(minutes=5)
"""At most. Services check tokens by themselves, so one is good for so long after its log-in was ended."""
LONGEST_WAIT: Final = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How many failures in a row cost nothing; after each further one the wait is twice as long."""

    free: int
    disabled_at: int | None = None
    """So many failures in a row, and no wait helps any more."""
    forgotten_after: timedelta | None = None


OF_A_LOGIN: Final = Pace(free=5, disabled_at=100)
"""NIST SP 800-63B-4, 3.2.2: at most 100 consecutive failures, then the password is disabled."""
OF_AN_ADDRESS: Final = Pace(free=20, forgotten_after=timedelta(hours=1))
"""Many people may share an address, so it is never shut for good."""


@dataclass(frozen=True, kw_only=True)
class Failures:
    """Log-ins of one login, or from one address, that have failed without a success between."""

    count: int
    last_at: datetime

    def wait(self, pace: Pace, *, at: datetime) -> timedelta:
        """Tell how long no further one is looked at; zero: the next one may be tried now."""
        if self.disables(pace):
            return LONGEST_WAIT
        if self.count < pace.free:
            return timedelta()
        # The exponent is bounded: nobody wants the 1000th power of two.
        seconds = 2 ** min(self.count - pace.free, 10)
        pause = min(timedelta(seconds=seconds), LONGEST_WAIT)
        return max(self.last_at + pause - at, timedelta())

    def disables(self, pace: Pace) -> bool:
        """Whether only a Super Admin helps."""
        return pace.disabled_at is not None and self.count >= pace.disabled_at

    def one_more(self, pace: Pace, *, at: datetime) -> "Failures":
        """Count the next one."""
        old = pace.forgotten_after is not None and at - self.last_at > pace.forgotten_after
        return Failures(count=1 if old else self.count + 1, last_at=at)


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long a log-in lasts (45 CFR 164.312(a)(2)(iii))."""

    idle: timedelta
    """Without a refresh for so long, it is over."""
    absolute: timedelta
    """So long after the password it is over, whatever happens."""

    def ends_at(self, *, authenticated_at: datetime, last_used_at: datetime) -> datetime:
        """Give the moment from which on it is over."""
        return min(authenticated_at + self.absolute, last_used_at + self.idle)

    def token_ends_at(self, *, authenticated_at: datetime, at: datetime) -> datetime:
        """Give the end of an access token that is made at that moment."""
        return min(self.ends_at(authenticated_at=authenticated_at, last_used_at=at), at + ACCESS_TOKEN_LASTS)
