"""Runs `python -m deploy.embedded demo` as a user does, in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 280
NO_MORE: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, kw_only=True)
class DemoRun:
    """A demo under way, and the folder that it works in."""

    process: subprocess.Popen[str]
    out: Path

    @property
    def deployment(self) -> Path:
        return self.out / "data" / "opencircle"

    def pid_of(self, part: str) -> int | None:
        file = self.deployment / "run" / f"{part}.pid"
        text = file.read_text() if file.exists() else ""
        return int(text) if text.strip() else None

    def ended(self) -> bool:
        return self.process.poll() is not None

    def figures(self) -> dict[str, Any]:
        """Wait for the end; a demo that fails shows what it said."""
        printed, said = self.process.communicate(timeout=TIMEOUT_SECONDS)
        assert self.process.returncode == 0, f"{said}\n{printed}\n{self._logs()}"
        figures: dict[str, Any] = json.loads(printed)
        return figures

    def _logs(self) -> str:
        ends = [(path.name, path.read_text()[-1500:]) for path in (self.deployment / "logs").glob("*.log")]
        return "\n".join(f"--- {name}\n{text}" for name, text in ends)


def start_demo(out: Path, *, data: Path | None = None, settings: Mapping[str, str] = NO_MORE) -> DemoRun:
    command = [sys.executable, "-m", "deploy.embedded", "demo", "--json", "--out", str(out)]
    command += ["--data", str(data)] if data else []
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200", **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return DemoRun(process=process, out=out)


def ready(port: int) -> bool:
    """Tell whether a deployment's gateway answers there."""
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz").is_success
    except httpx2.TransportError:
        return False
