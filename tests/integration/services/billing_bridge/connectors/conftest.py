from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from services.billing_bridge.domain import Charge, charges_for
from services.billing_bridge.networks import Networks
from services.billing_bridge.outside import Outside, open_outside
from shared.testing.records import a_session_record

ANSWER_SECONDS = 1.0
"""Short, so that a test of silence is; ten times as long as an answer that is only late."""


def one_oclock() -> datetime:
    return datetime(2026, 3, 10, 13, 0, tzinfo=UTC)


@pytest_asyncio.fixture
async def outside(tmp_path: Path) -> AsyncIterator[Outside]:
    networks = Networks.parse("", embedded=True)
    async with open_outside(
        networks=networks,
        clock=one_oclock,
        embedded=True,
        answer_seconds=ANSWER_SECONDS,
        folder=tmp_path / "files",
    ) as opened:
        yield opened


@pytest.fixture
def charges() -> list[Charge]:
    """One charge of one patient."""
    return charges_for(a_session_record(present=1, absent=0))
