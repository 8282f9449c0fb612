"""`opencircle size`: how many processes and how much database so many sessions a day need (docs/scaling.md).

All rates are what `make bench` prints on two cores of one machine, databases and broker on the same.
"""

import math
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table

from deploy.operations.showing import AsJson, print_json

cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

SIZES: Final = (100, 10_000, 1_000_000)
DAYS: Final = 365


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What one process does in a second, and what a session of 25 leaves behind."""

    notes: float = 7_000
    """`handler and inbox, one session of 25`: one by one; a backlog is packed, and goes twice as fast."""
    rings: float = 6_000
    """`relay / one apply_async a delivery`."""
    pushes: float = 200
    """`pushes over 10 connections`: messages of one pusher, with their attempt rows."""
    sheets: float = 10
    """`20 sheets in one document`, of two processes: sheets a second of one."""
    requests: float = 130
    """`read one session of 25`: requests of one API process."""
    kibibytes: float = 74
    """`on disk`, the four databases together."""


@dataclass(frozen=True, kw_only=True)
class Day:
    """What is assumed of a day; change it to your own."""

    patients: int = 25
    share_of_the_peak: float = 0.15
    """Of all sessions of a day, how many end at its fullest hour."""
    peak_minutes: float = 10
    """How long it takes until these are signed."""
    requests_of_a_session: float = 60
    """Opening, documenting with autosave and signing, all leaders together."""
    charges_of_a_patient: float = 1
    busy: float = 0.6
    """How busy a process may be at the peak: above it, waiting grows faster than work."""
    rows_of_a_commit: float = 25
    """Rows that one commit of a worker writes when sessions come one by one."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """What so many sessions a day need at their peak."""

    sessions_a_day: int
    signatures_a_second: float
    requests_a_second: float
    notes_a_second: float
    charges_a_second: float
    api: int
    charts_workers: int
    billing_workers: int
    relays: int
    pushers: int
    render_workers: int
    broker_megabytes: float
    """If consumers stand still for an hour at the peak's rate: what the broker then holds."""
    database_gigabytes_a_year: float
    database_connections: int


SEALED_KIBIBYTES: Final = 1.0
"""A session's share of a sealed parcel: they repeat each other, and are packed together."""
CONNECTIONS_OF_AN_API: Final = 20
CONNECTIONS_OF_A_LOOP: Final = 2


def size_for(sessions: int, *, measured: Measured | None = None, day: Day | None = None) -> Size:
    """Compute what `sessions` a day need."""
    rates, assumed = measured or Measured(), day or Day()
    signed = sessions * assumed.share_of_the_peak / (assumed.peak_minutes * 60)
    requests = signed * assumed.requests_of_a_session
    notes = signed * assumed.patients
    charges = notes * assumed.charges_of_a_patient

    def processes(rate: float, of_one: float) -> int:
        return max(1, math.ceil(rate / (of_one * assumed.busy)))

    api, workers = processes(requests, rates.requests), processes(notes, rates.notes)
    pushers, renders = processes(charges, rates.pushes), processes(signed, rates.sheets)
    loops = 2 * workers + pushers + renders + 4
    return Size(
        sessions_a_day=sessions,
        signatures_a_second=round(signed, 3),
        requests_a_second=round(requests, 1),
        notes_a_second=round(notes, 1),
        charges_a_second=round(charges, 1),
        api=api,
        charts_workers=workers,
        billing_workers=workers,
        relays=processes(3 * signed, rates.rings),
        pushers=pushers,
        render_workers=renders,
        broker_megabytes=round(signed * 3600 * 3 * SEALED_KIBIBYTES / 1024, 1),
        database_gigabytes_a_year=round(sessions * DAYS * rates.kibibytes / 1024**2, 1),
        database_connections=api * CONNECTIONS_OF_AN_API + loops * CONNECTIONS_OF_A_LOOP,
    )


@cli.command()
def size(
    sessions: Annotated[list[int] | None, typer.Argument(min=1, help="Sessions a day.")] = None,
    *,
    patients: Annotated[int, typer.Option(min=1, help="Of one session.")] = Day.patients,
    as_json: AsJson = False,
) -> None:
    """Compute processes, broker and database for so many sessions a day. Example: opencircle size 2500."""
    sizes = [asdict(size_for(one, day=Day(patients=patients))) for one in sessions or SIZES]
    if as_json:
        print_json(sizes)
        return
    table = Table("At the peak", *(f"{one['sessions_a_day']:,}" for one in sizes))
    for name in [*sizes[0]][1:]:
        table.add_row(name.replace("_", " "), *(f"{one[name]:,}" for one in sizes))
    Console().print(table)
