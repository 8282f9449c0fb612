"""What a sign-in sheet costs, beside naive WeasyPrint, Chromium and ReportLab, and what memory grows by."""

import gc
import os
import re
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID

from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas
from weasyprint import HTML

from services.printing.renderer import Press
from services.printing.renderer.press import ASSETS
from shared.events.sheet import SignInSheet, SignInSheets
from tests.benchmarks.chromium import warm_chromium
from tests.benchmarks.rows import Row

PAIRS = 11

EMPTY = '<!DOCTYPE html><html lang="en"><title>Empty</title><p>Nothing</p></html>'

FIVE_CELLS = """
tr { background: none } table { background: none; border-spacing: 0 }
td, th { border-bottom: .6pt solid #555 } tbody th { padding: 1mm 3mm 1.2mm 0 !important; text-indent: 0 }
.number { width: 6% } .name { width: 32.4% !important }
"""


def run() -> list[Row]:
    """Measure sheets of 30 rows, each pair alternately, after a warm-up."""
    renderer = Press()
    sheet = sheet_of(30)
    naive_plain, naive_same = plain_page(renderer, sheet), same_page(renderer, sheet)

    def ours() -> object:
        return renderer.render(sheet)

    return [
        compare("sheet of 30 rows / naive WeasyPrint, plain table", ours, lambda: naive(naive_plain), 3),
        compare("sheet of 30 rows / naive WeasyPrint, same HTML", ours, lambda: naive(naive_same), 3),
        compare("sheet of 30 rows / ReportLab canvas, no tags", ours, lambda: canvas(sheet), 0),
        compare("sheet of 30 rows / WeasyPrint's empty page", ours, lambda: naive(EMPTY), 0),
        *in_chromium(ours, naive_plain),
        twenty_in_one(naive_plain),
        memory_growth(renderer),
    ]


def twenty_in_one(naive_page: str) -> Row:
    """Twenty sheets a document, two documents at a time, against naive sheets one after the other."""
    first, *others = (sheet_of(30, number) for number in range(20))
    sheets = SignInSheets(job_id=first.job_id, sheets=(first, *others))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=warm_up) as processes:
        list(processes.map(print_all, [sheets] * 2))
        ours, peer = [], []
        for _ in range(3):
            ours.append(milliseconds(lambda: list(processes.map(print_all, [sheets] * 2))) / 40)
            peer.append(statistics.median(milliseconds(lambda: naive(naive_page)) for _ in range(3)))
    mine, others_time = statistics.median(ours), statistics.median(peer)
    ratio = statistics.median(theirs / our_time for our_time, theirs in zip(ours, peer, strict=True))
    return Row(
        name="20 sheets in one document, two processes / naive WeasyPrint",
        unit="ms a sheet",
        ours=mine,
        peer=others_time,
        ratio=ratio,
        reach=6,
    )


PRESSES: list[Press] = []
"""One in each process of the pool."""


def warm_up() -> None:
    PRESSES.append(Press())
    gc.freeze()


def print_all(sheets: SignInSheets) -> int:
    return len(PRESSES[0].render(sheets).pdf)


def in_chromium(ours: Callable[[], object], page: str) -> list[Row]:
    """The same page by a headless Chromium that is running already, with tags, as ours has them."""
    with warm_chromium() as browser:
        if browser is None:
            print("no Chromium is installed here: its row is left out")
            return []
        return [
            compare("sheet of 30 rows / Chromium, kept warm", ours, lambda: browser.printed(page), 1),
        ]


def compare(
    name: str, ours: Callable[[], object], peer: Callable[[], object], reach: float, *, pairs: int = PAIRS
) -> Row:
    """Time both in turns; the ratio is the median of the ratios of pairs."""
    ours(), peer()
    timed = [(milliseconds(ours), milliseconds(peer)) for _ in range(pairs)]
    mine, others = (statistics.median(times) for times in zip(*timed, strict=True))
    ratio = statistics.median(peer_time / our_time for our_time, peer_time in timed)
    return Row(name=name, unit="ms", ours=mine, peer=others, ratio=ratio, reach=reach)


def memory_growth(renderer: Press) -> Row:
    """What resident memory grows by from 50 to 500 sheets, no two alike, against one megabyte."""
    for number in range(50):
        renderer.render(sheet_of(30, number))
    before = resident_mb()
    for number in range(50, 500):
        renderer.render(sheet_of(30, number))
    growth = max(resident_mb() - before, 0.01)  # less than a page can't be told
    return Row(
        name="memory growth, render 50 to 500", unit="MB", ours=growth, peer=1, ratio=1 / growth, reach=1
    )


def sheet_of(rows: int, number: int = 0) -> SignInSheet:
    """A sheet of `rows` rows, four of them spare; another `number` has other names."""
    return SignInSheet(
        job_id=UUID(int=1),
        session_id=UUID(int=2),
        location_name="Riverside Center",
        time_zone="America/Chicago",
        group_title="Relapse Prevention",
        starts_at=datetime(2025, 5, 5, 23, tzinfo=UTC),
        duration_minutes=90,
        leaders=("Maria Lopez, LCSW", "Tom Reed, LPC"),
        names=tuple(f"Patient{number}-{row} K." for row in range(rows - 4)),
        spare_rows=4,
    )


def naive(page: str) -> bytes | None:
    """WeasyPrint as its manual begins: parser, styles, fonts and fetcher made anew for each document."""
    pdf: bytes | None = HTML(string=page).write_pdf(pdf_variant="pdf/ua-1")
    return pdf


def same_page(renderer: Press, sheet: SignInSheet) -> str:
    """Our own HTML and styles in one string."""
    (part,) = renderer.parts(sheet)
    return with_styles(renderer.markup(part), "")


def plain_page(renderer: Press, sheet: SignInSheet) -> str:
    """The same page as one would write it first: five cells a row, each with its own line."""
    (part,) = renderer.parts(sheet)
    page = renderer.markup(part).replace('<th class="name"', '<th class="number">No.</th><th class="name"')
    head, body = page.split("<tbody>")
    body = re.sub(r'<tr><th scope="row" colspan="4">\s*(\d+\.)\s*', r'<tr><td>\1</td><th scope="row">', body)
    body = re.sub(r'<td colspan="4">\s*(\d+\.)\s*</td>', r"<td>\1</td><th></th>", body)
    body = body.replace("</tr>", "<td></td><td></td><td></td></tr>")
    return with_styles(f"{head}<tbody>{body}", FIVE_CELLS)


def with_styles(page: str, more: str) -> str:
    styles = "".join((ASSETS / name).read_text("utf-8") for name in ("page.css", "sheet.css"))
    return page.replace("</head>", f"<style>{styles}{more} @page {{ size: Letter }}</style></head>")


def canvas(sheet: SignInSheet) -> bytes:
    """The lines and Latin names alone: no tags, no wrapping, no other scripts."""
    target = BytesIO()
    pdf = Canvas(target, pagesize=letter)
    for number, name in enumerate([*sheet.names, *[""] * sheet.spare_rows]):
        if number and number % 20 == 0:
            pdf.showPage()
        height = 680 - 30 * (number % 20)
        pdf.drawString(40, height, str(number + 1))
        pdf.drawString(70, height, name)
        pdf.line(40, height - 6, 570, height - 6)
    pdf.save()
    return target.getvalue()


def milliseconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return (time.perf_counter() - started) * 1000


def resident_mb() -> float:
    """Resident memory of this process (Linux)."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    for row in run():
        print(row)
