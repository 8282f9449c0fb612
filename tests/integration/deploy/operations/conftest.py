import asyncio
import os
import shutil
from pathlib import Path

import pytest

from deploy.embedded.folder import SERVICES, DataFolder
from deploy.embedded.prepare import prepare


@pytest.fixture
def deployment(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """An embedded deployment that was started once, with its first login, and stopped."""
    template = tmp_path_factory.getbasetemp() / "stopped_deployment"
    if not template.exists():
        # As the command line does before all else.
        before = os.umask(0o077)
        DataFolder(root=template).prepare()
        asyncio.run(prepare(template, [*SERVICES]))
        os.umask(before)
    # Copied as it is: the modes are part of it.
    shutil.copytree(template, tmp_path / "data")
    return DataFolder(root=tmp_path / "data")
