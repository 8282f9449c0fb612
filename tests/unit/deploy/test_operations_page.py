import re

import pytest

from deploy.embedded.folder import SERVICES
from tests.unit.deploy.compose import MODULES, ROOT, names_of, secrets_of, settings_of

PAGE = (ROOT / "docs/operations.md").read_text()
ROWS = [line for line in PAGE.splitlines() if line.startswith("| `OPENCIRCLE_")]
DOCUMENTED = {name for row in ROWS for name in re.findall(r"`(OPENCIRCLE_\w+)`", row.split("|")[1])}


def test_the_page_has_every_setting_and_no_other() -> None:
    kinds = [kind for service in SERVICES for kind in settings_of(service)]
    assert {name for kind in kinds for name in names_of(kind)} == DOCUMENTED


def test_the_page_marks_what_compose_holds_as_secret() -> None:
    held = {name for container in MODULES for name in secrets_of(container)}
    assert {row.split("`")[1] for row in ROWS if "**secret**" in row} == held


@pytest.mark.parametrize("name", ["OPENCIRCLE_VERSION", "OPENCIRCLE_PORT"])
def test_the_page_has_what_compose_itself_reads(name: str) -> None:
    assert f"${{{name}:-" in (ROOT / "docker-compose.yml").read_text()
    assert f"`{name}`" in PAGE
