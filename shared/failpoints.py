"""Where a process may die: a name at every commit and every send between a signature and its receipts.

`reached` does nothing, unless the folder that OPENCIRCLE_FAILPOINTS names has a file of that name: then
the file is taken away and the process kills itself, once. So a running deployment is told where to die by
a `touch`. Production refuses the setting (`shared.settings`), and is looked at here once more.

`docs/crash-points.md` is made from this table by `python -m tests.checks.crash_points`.
"""

import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

SETTING: Final = "OPENCIRCLE_FAILPOINTS"


@dataclass(frozen=True, kw_only=True)
class CrashPoint:
    """What is true when a process dies at this point, and who goes on."""

    between: str
    afterwards: str
    repaired_by: str


CRASH_POINTS: Final[Mapping[str, CrashPoint]] = {
    "sign.written": CrashPoint(
        between="Business rows, event and deliveries are written / their commit",
        afterwards="Nothing is signed, there is no event, and the signer got no answer.",
        repaired_by="The signer, who signs again.",
    ),
    "ledger.committed": CrashPoint(
        between="The commit of an event / the relay is woken",
        afterwards="The session is signed and its deliveries are owed; the signer may have got no answer.",
        repaired_by="The relay's next sweep. A signer who tries again is told that the session is signed.",
    ),
    "relay.claimed": CrashPoint(
        between="Deliveries are claimed / sent to the broker",
        afterwards="They count as rung once, and nobody has heard it.",
        repaired_by="Any relay, when the time until the next ring is over.",
    ),
    "relay.sent": CrashPoint(
        between="Deliveries are sent to the broker / the relay goes on",
        afterwards="They were marked before they were sent, so nothing is left to mark.",
        repaired_by="Nobody has to: the consumers' receipts close them.",
    ),
    "relay.handed_back": CrashPoint(
        between="The broker took nothing and the deliveries were made due again / the relay pauses",
        afterwards="They are due at once.",
        repaired_by="The relay, as soon as it is back; it tries until the broker takes them.",
    ),
    "worker.received": CrashPoint(
        between="A worker has taken a message / it is handled",
        afterwards="The broker may hand it out again, or have lost it.",
        repaired_by="The relay, which rings again. A double finds the inbox.",
    ),
    "consumer.counted": CrashPoint(
        between="The beginning of an event that is rung again is counted / it is applied",
        afterwards="One beginning more is counted; nothing is applied.",
        repaired_by="The relay. Five beginnings without an end park the delivery.",
    ),
    "consumer.inbox_written": CrashPoint(
        between="The inbox row is written / the effect",
        afterwards="Neither is there: they are one transaction.",
        repaired_by="The relay, which rings again.",
    ),
    "consumer.effect_written": CrashPoint(
        between="The effect is written / its commit",
        afterwards="Neither effect nor inbox row is there.",
        repaired_by="The relay, which rings again.",
    ),
    "worker.applied": CrashPoint(
        between="The consumer's commit / its receipt is sent",
        afterwards="The effect is there once; the ledger still owes it.",
        repaired_by="The relay rings again; the inbox knows the event, and the receipt is sent then.",
    ),
    "worker.answered": CrashPoint(
        between="The receipt is sent / the message is acknowledged",
        afterwards="The ledger is closed; the broker may hand the message out again.",
        repaired_by="Nobody has to: a double finds the inbox.",
    ),
    "receipts.received": CrashPoint(
        between="A receipt is taken from the broker / written into the ledger",
        afterwards="The receipt may be lost; the delivery is still open.",
        repaired_by="The relay rings again, and the consumer answers again.",
    ),
    "receipts.written": CrashPoint(
        between="A receipt is written into the ledger / its commit",
        afterwards="The delivery is still open.",
        repaired_by="As above.",
    ),
    "receipts.recorded": CrashPoint(
        between="The ledger's commit / the receipt's message is acknowledged",
        afterwards="The delivery is closed; the receipt may come a second time, which changes nothing.",
        repaired_by="Nobody has to.",
    ),
    "push.claimed": CrashPoint(
        between="A push is written down as begun / its first byte is sent",
        afterwards="Nobody can know that nothing was sent.",
        repaired_by="A pusher, when the lease is over: the charge is unknown, then looked up, sent again "
        "under its key where the other side recognises that, or shown to a person.",
    ),
    "push.answered": CrashPoint(
        between="The billing system has answered / the result is written down",
        afterwards="The charge is there, and we do not know it.",
        repaired_by="As above.",
    ),
    "push.closed": CrashPoint(
        between="The result of a push is committed / the pusher goes on",
        afterwards="The charge stands as it was answered. Others that the pusher had under way are as above.",
        repaired_by="Nobody has to; the others as above.",
    ),
    "render.begun": CrashPoint(
        between="A print job is marked as begun / its file is made",
        afterwards="The job is shown as rendering, and no file is there.",
        repaired_by="The relay of printing, which rings again. Five beginnings without an end fail the job.",
    ),
    "render.kept": CrashPoint(
        between="A file is kept / its job is committed as printed",
        afterwards="A file is there that no job names.",
        repaired_by="The relay of printing: the same file is made again, under the same key; "
        "had its facts changed meanwhile, it is removed.",
    ),
    "migration.step": CrashPoint(
        between="A migration / the next one, before the commit",
        afterwards="The database is as it was: all that are missing are one transaction.",
        repaired_by="The next start, which migrates again.",
    ),
    "migration.committed": CrashPoint(
        between="The commit of the migrations / the service starts",
        afterwards="The database is at its head.",
        repaired_by="The next start, which finds nothing to do.",
    ),
    "replay.written": CrashPoint(
        between="A parked delivery is opened again, with its step and its audit row / the commit",
        afterwards="It is still parked, and nothing is in the audit trail.",
        repaired_by="The operator, who asks again.",
    ),
}


def reached(name: str) -> None:
    """Die here, if this process was told to."""
    folder = _folder()
    if folder is None:
        return
    try:
        # Whoever takes the file away dies; every other one that comes by lives on.
        (folder / name).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


@cache
def _folder() -> Path | None:
    folder = os.environ.get(SETTING)
    embedded = os.environ.get("OPENCIRCLE_ENVIRONMENT") == "embedded"
    return Path(folder) if folder and embedded else None
