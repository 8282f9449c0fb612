from pathlib import Path

import pytest

from tests.integration.authorisation.doors import Door, Open, open_door


@pytest.fixture
def opened(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Gives a function that starts the service named."""

    async def one(service: str) -> Door:
        return await open_door(service, tmp_path, tmp_path_factory.getbasetemp(), monkeypatch)

    return one
