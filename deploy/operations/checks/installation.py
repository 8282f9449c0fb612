"""This installation: versions that are relied on, and what papers are set with."""

import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from deploy.operations.checks.findings import Finding, broken, warning

PROJECT: Final = Path(__file__).resolve().parents[3] / "pyproject.toml"
MEASURED: Final = ("celery", "kombu")
"""The ledger is built around measured behaviour of exactly these release lines."""
SCRIPTS: Final = {"Latin": "00e9", "Arabic": "0628", "Hebrew": "05d0", "Devanagari": "0915", "Han": "4e2d"}
"""A letter of each script, as fontconfig writes it."""
FONT_SECONDS: Final = 20.0


def look_at_versions() -> Iterator[Finding]:
    """Compare the installed libraries that must be of one release line with what is asked for."""
    wanted = tomllib.loads(PROJECT.read_text())["project"]["dependencies"]
    for requirement in map(Requirement, wanted):
        if requirement.name in MEASURED:
            yield _version(requirement)


def _version(requirement: Requirement) -> Finding:
    check = f"version.{requirement.name}"
    try:
        there = version(requirement.name)
    except PackageNotFoundError:
        there = "none"
    if there != "none" and requirement.specifier.contains(there):
        return Finding(check=check, says=f"{requirement.name} {there}")
    mend = f"Install {requirement}: `uv pip sync requirements.lock`, or build the image again."
    return broken(check, f"{requirement.name} {there}, where {requirement.specifier} is needed", mend)


def look_at_pango() -> Finding:
    """Load what papers are set with."""
    try:
        # Loads the system's Pango.
        import weasyprint  # noqa: PLC0415 - where it fails, that is the finding
    except (ImportError, OSError) as error:
        mend = "Install Pango: `apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0`."
        return broken("pango", f"WeasyPrint can't load the system's Pango ({type(error).__name__})", mend)
    return Finding(check="pango", says=f"WeasyPrint {weasyprint.__version__} loads")


def look_at_fonts() -> Finding:
    """Ask which scripts have no font: their letters are printed as boxes."""
    try:
        bare = [name for name, letter in SCRIPTS.items() if not _fonts_with(letter)]
    except (OSError, subprocess.SubprocessError):
        return warning("fonts", "fontconfig does not answer", "Install `fontconfig` and fonts.")
    mend = "Install `fonts-noto-core fonts-noto-cjk fonts-dejavu-core` where sheets are rendered."
    if "Latin" in bare:
        return broken("fonts", "no font at all", mend)
    if bare:
        return warning("fonts", f"no font has {', '.join(bare)}: boxes are printed instead", mend)
    return Finding(check="fonts", says=f"there are fonts for {', '.join(SCRIPTS)}")


def _fonts_with(letter: str) -> bool:
    asked = ["fc-list", "--format=%{family}\n", f":charset={letter}"]
    answer = subprocess.run(  # noqa: S603 - the letters are the table above
        asked, capture_output=True, text=True, timeout=FONT_SECONDS, check=True
    )
    return bool(answer.stdout.strip())
