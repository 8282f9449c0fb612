"""The page for new developers of front ends is true: every block of it is run."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import pytest

from deploy.embedded.deployment import free_port, running

PAGE = Path(__file__).parents[2] / "docs" / "first-steps.md"


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.rule("SIGN-1", "SIGN-4")
async def test_the_page_leads_from_a_token_to_a_signed_session(tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    async with running(tmp_path / "data", port=free_port(), report=lambda *_: None) as deployment:
        first = deployment.first_login()
        assert first is not None
        login, password = first
        given = {"ADDRESS": deployment.address, "LOGIN": login, "PASSWORD": password}
        done = await asyncio.to_thread(
            subprocess.run,
            ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
            env=os.environ | given,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("the session is completed\n")
