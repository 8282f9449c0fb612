import os
import re
from pathlib import PurePosixPath

import pytest

from tests.unit.deploy.compose import CONTAINERS, MODULES, ROOT

DOCKERFILE = (ROOT / "deploy/docker/Dockerfile").read_text()


def in_image(path: str) -> bool:
    """What .dockerignore lets through: its last line that matches the file or a folder of it decides."""
    kept = True
    file = PurePosixPath(path)
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!").rstrip("/")
        if not pattern or line.startswith("#"):
            continue
        here = [file, *file.parents][:-1]
        anywhere = pattern.startswith("**/")
        if any(
            one.match(pattern.removeprefix("**/")) and (anywhere or len(one.parts) == len(pattern.split("/")))
            for one in here
        ):
            kept = line.startswith("!")
    return kept


@pytest.mark.parametrize("container", MODULES)
def test_the_image_holds_every_module_that_a_container_runs(container: str) -> None:
    module = MODULES[container].replace(".", "/") + ".py"
    assert (ROOT / module).exists()
    assert in_image(module)


@pytest.mark.parametrize(
    "path",
    [
        "shared/database/migrations.py",
        "services/charts/migrations/versions/0001_first.py",
        "deploy/docker/health.py",
        "deploy/operations/__main__.py",
        "deploy/operations/checks/databases.py",
        "deploy/embedded/folder.py",
        "pyproject.toml",
        "requirements.lock",
    ],
)
def test_the_image_holds_what_containers_need_beside(path: str) -> None:
    assert in_image(path)


@pytest.mark.parametrize(
    "path",
    [
        "deploy/compose/secrets/postgres_password",
        "deploy/compose/opencircle.env",
        "deploy/embedded/demo/day.py",
        "shared/testing/identity.py",
        "services/charts/__pycache__/main.cpython-311.pyc",
        "tests/conftest.py",
        "var/opencircle/issuer.pem",
        ".git/config",
        ".venv/bin/python",
    ],
)
def test_the_image_holds_nothing_else(path: str) -> None:
    assert not in_image(path)


def test_the_image_runs_as_the_user_that_compose_names() -> None:
    assert f"\nUSER {CONTAINERS['charts-worker']['user']}\n" in DOCKERFILE


@pytest.mark.parametrize(
    "folder",
    [
        CONTAINERS["printing-api"]["environment"]["OPENCIRCLE_PRINTING_STORAGE_FOLDER"],
        str(PurePosixPath(CONTAINERS["printing-api"]["environment"]["OPENCIRCLE_ANCHOR_FILE"]).parent),
    ],
)
def test_the_folders_of_volumes_belong_to_that_user(folder: str) -> None:
    assert re.search(rf"--owner 10001 --group 10001 --mode 0700 {folder}\s", DOCKERFILE)


def test_packages_are_the_locked_ones() -> None:
    assert "--require-hashes --requirement requirements.lock" in DOCKERFILE


def test_the_script_of_the_databases_can_be_run() -> None:
    assert os.access(ROOT / "deploy/compose/postgres/10_databases.sh", os.X_OK)
