from pathlib import Path

import pytest
from sqlalchemy import make_url

from deploy.compose.new_secrets import DATABASES, new_secrets, write_secrets
from deploy.embedded.folder import SERVICES
from shared.audit.anchors import read_private_key
from shared.messaging.sealing import KeyRing
from tests.unit.deploy.compose import FILE, ROOT


def test_every_secret_of_the_compose_file_is_made() -> None:
    files = {Path(secret["file"]).name for secret in FILE["secrets"].values()}
    assert files == set(new_secrets()) == set(FILE["secrets"])


def test_they_are_written_where_compose_looks_for_them() -> None:
    folders = {ROOT / Path(secret["file"]).parent for secret in FILE["secrets"].values()}
    assert folders == {ROOT / "deploy/compose/secrets"}


def test_every_service_has_a_database_of_its_own() -> None:
    assert sorted(DATABASES.values()) == sorted(SERVICES)
    urls = [make_url(text) for name, text in new_secrets().items() if name.endswith("_url")]
    databases = {url.database for url in urls if url.drivername.startswith("postgresql")}
    assert databases == set(SERVICES)


def test_every_role_of_every_database_has_a_password_of_its_own() -> None:
    urls = [make_url(text) for name, text in new_secrets().items() if name.endswith("_url")]
    assert len({url.password for url in urls}) == len({url.username for url in urls}) == len(urls)


@pytest.mark.parametrize("of", ["message", "field", "billing_connection"])
def test_key_rings_can_be_read(of: str) -> None:
    assert list(KeyRing.parse(new_secrets()[f"opencircle_{of}_keys"]).keys) == ["k1"]


def test_the_key_of_anchors_can_be_read() -> None:
    read_private_key(new_secrets()["opencircle_anchor_key"])


def test_no_other_user_of_the_host_comes_to_them(tmp_path: Path) -> None:
    write_secrets(tmp_path / "secrets", new_secrets())
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_no_secret_is_ever_replaced(tmp_path: Path) -> None:
    (tmp_path / "valkey_users").write_text("kept")
    with pytest.raises(FileExistsError):
        write_secrets(tmp_path, new_secrets())
    assert [path.name for path in tmp_path.iterdir()] == ["valkey_users"]
