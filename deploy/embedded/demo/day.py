"""The demo, from an empty folder to a table of what was done."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table

from deploy.embedded.demo.clinic import Front
from deploy.embedded.demo.documenting import document, request_sheets
from deploy.embedded.demo.outcome import Figures, keep_papers, wait_for_outcome
from deploy.embedded.demo.plan import GROUPS
from deploy.embedded.demo.receiver import Receiver, receiver_in
from deploy.embedded.demo.sample import write_sample
from deploy.embedded.demo.setting_up import Imported, import_directory, open_clinic, plan_day
from deploy.embedded.deployment import free_port, running
from deploy.embedded.errors import OperatorError
from deploy.embedded.folder import DataFolder

REQUEST_SECONDS = 60
MARKER = "made-by-opencircle-demo"
PROBLEMS_SHOWN = 20


class NoSuchExportError(OperatorError):
    """DATA is not a folder; it has to hold the NDJSON files of a FHIR R4 bulk export."""


class NotOurFolderError(OperatorError):
    """The demo empties this folder, but did not make it: choose another OUT, and keep DATA outside of it."""


@dataclass(kw_only=True)
class Progress:
    """Says what is going on, on stderr, and how long each step took."""

    console: Console
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Show one step while it works."""
        started = time.monotonic()
        with self.console.status(name):
            yield
        self.seconds[name] = round(time.monotonic() - started, 2)
        self.console.print(f"  [green]done[/green]  {name:<44}{self.seconds[name]:6.1f} s", highlight=False)

    def note(self, part: str, what: str) -> None:
        """Pass on what the supervisor tells of its parts, once they all serve."""
        if self.seconds:
            self.console.print(f"        {part}: {what}", highlight=False)

    def tell_problems(self, reports: list[Imported]) -> None:
        """Name the lines that could not be imported."""
        for report in reports:
            for problem in report.problems[:PROBLEMS_SHOWN]:
                place = f"{report.file}:{problem['line']}"
                self.console.print(
                    f"  [yellow]not imported[/yellow]  {place}: {problem['reason']}", highlight=False
                )

    def tell_acknowledged(self, kinds: list[str]) -> None:
        """Say what the signers were asked before signing, and left as it was."""
        for kind in sorted(set(kinds)):
            self.console.print(f"        acknowledged: {kind} x {kinds.count(kind)}", highlight=False)


async def run_day(*, data: Path | None, out: Path, as_json: bool) -> int:
    """Run one clinic day; the exit status is 0 only if nothing is missing and nothing is open."""
    progress = Progress(console=Console(stderr=True))
    if data is not None and not data.is_dir():
        raise NoSuchExportError(data)
    # Held to the end: a second demo must not wipe the folder of one that runs.
    with DataFolder(root=out).locked():
        folder = fresh_folder(out / "data", spared=data)
        return await _run_in(folder, progress, data=data, out=out, as_json=as_json)


def fresh_folder(folder: Path, *, spared: Path | None) -> Path:
    """Empty a folder of the demo's own; raises `NotOurFolderError` rather than delete anything else."""
    ours = (folder / MARKER).exists() or not folder.exists()
    if not ours or (spared is not None and spared.resolve().is_relative_to(folder.resolve())):
        raise NotOurFolderError(folder)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARKER).touch()
    return folder


async def _run_in(folder: Path, progress: Progress, *, data: Path | None, out: Path, as_json: bool) -> int:
    if data is None:
        data = folder / "fhir-sample"
        write_sample(data)
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        with progress.step("start the embedded deployment"):
            receiver = await stack.enter_async_context(receiver_in(folder / "billing-system"))
            deployment = await stack.enter_async_context(
                running(folder / "opencircle", port=free_port(), report=progress.note)
            )
        login = deployment.first_login()
        if login is None:
            raise NotOurFolderError(folder)
        figures = await live(progress, deployment.address, login, receiver=receiver, data=data, out=out)
    seconds = round(time.monotonic() - started, 1)
    if as_json:
        print(json.dumps(asdict(figures) | {"seconds": seconds, "steps": progress.seconds}))  # noqa: T201 - the result
    else:
        _show(figures, progress, out, seconds)
    return 0 if figures.complete else 1


async def live(
    progress: Progress, address: str, login: tuple[str, str], *, receiver: Receiver, data: Path, out: Path
) -> Figures:
    """Live through the day at any deployment's address; give what it came to."""
    async with httpx2.AsyncClient(base_url=address, timeout=REQUEST_SECONDS) as http:
        admin = await Front(http=http).log_in(*login)
        with progress.step("import locations, staff and patients"):
            progress.tell_problems(await import_directory(admin, data))
        with progress.step("give access, connect the billing system"):
            clinic = await open_clinic(admin, receiver)
        with progress.step("make groups, enrol patients, plan the day"):
            sessions = await plan_day(clinic)
        with progress.step("ask for the sign-in sheets"):
            jobs = await request_sheets(clinic, sessions)
        with progress.step("document, sign and review the sessions"):
            acknowledged = await document(clinic, sessions)
        progress.tell_acknowledged(acknowledged)
        with progress.step("wait for notes, charges and sheets"):
            figures = await wait_for_outcome(clinic, sessions, jobs, receiver)
        if figures.complete:
            await keep_papers(clinic, sessions, jobs, out)
    return figures


def _show(figures: Figures, progress: Progress, out: Path, seconds: float) -> None:
    table = Table(title="One clinic day", title_justify="left")
    table.add_column("what")
    table.add_column("number", justify="right")
    table.add_column("should be", justify="right")
    for what, number, wanted in _lines(figures):
        table.add_row(what, str(number), "" if wanted is None else str(wanted))
    console = Console()
    console.print(table)
    console.print(
        f"Took {seconds} s. Sheets, a chart note and all data: {out.resolve()}",
        highlight=False,
        soft_wrap=True,
    )
    if not figures.complete:
        progress.console.print("[red]Something is missing; the logs are in data/opencircle/logs.[/red]")


def _lines(figures: Figures) -> Iterator[tuple[str, int, int | None]]:
    yield "sessions completed", figures.sessions, len(GROUPS)
    yield "patients present", figures.present, None
    yield "patients absent", figures.absent, None
    yield "chart notes filed", figures.notes, figures.present + figures.absent
    yield "charges accepted", figures.charges_accepted, figures.charges_due
    yield "sign-in sheets printed", figures.sheets, len(GROUPS)
    yield "deliveries still open", figures.open_deliveries, 0
