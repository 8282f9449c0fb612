import base64
import re
from collections.abc import Collection
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from deploy.compose.new_secrets import new_secrets
from services.sessions.settings import SessionsSettings
from shared.messaging.sealing import new_key_ring
from shared.production import unfit
from shared.settings import EX_CONFIG, read_all_settings

ROOT = Path(__file__).parents[3]
FIT = {
    "OPENCIRCLE_BROKER_URL": "rediss://opencircle:9rKD2bD0Cw@broker.clinic.net:6379/0",
    "OPENCIRCLE_MESSAGE_KEYS": new_key_ring(),
    "OPENCIRCLE_FIELD_KEYS": new_key_ring(),
    "OPENCIRCLE_ISSUER": "https://login.clinic.net",
    "OPENCIRCLE_TOKEN_KEYS": "https://login.clinic.net/keys",
    "OPENCIRCLE_SESSIONS_DATABASE_URL": "postgresql+asyncpg://s:9rKD2bD0Cw@db.clinic.net/s?ssl=verify-full",
}
UNFIT = {
    "OPENCIRCLE_BROKER_URL": ("redis://guest:guest@broker.clinic.net", "not encrypted"),
    "OPENCIRCLE_MESSAGE_KEYS": (f"k1:{base64.b64encode(bytes(32)).decode()}", "not random"),
    "OPENCIRCLE_FIELD_KEYS": (f"k1:{base64.b64encode(bytes(32)).decode()}", "not random"),
    "OPENCIRCLE_ISSUER": ("https://opencircle.localhost", "of an example"),
    "OPENCIRCLE_TOKEN_KEYS": ("http://login.clinic.net/keys", "not encrypted"),
    "OPENCIRCLE_SESSIONS_DATABASE_URL": ("sqlite+aiosqlite:///s.sqlite3", "SQLite"),
    "OPENCIRCLE_SESSIONS_ISSUER_KEY": ("issuer.pem", "built-in issuer"),
    "OPENCIRCLE_SESSIONS_BILLING_URL": ("http://billing.clinic.net", "not encrypted"),
}


def _set(monkeypatch: pytest.MonkeyPatch, texts: dict[str, str]) -> None:
    for name, text in texts.items():
        monkeypatch.setenv(name, text)


def _reasons(address: str, *, plain_hosts: Collection[str] = ()) -> list[str]:
    return [reason for _, reason in unfit({"X_URL": SecretStr(address)}, plain_hosts=plain_hosts)]


def test_what_is_fit_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    _set(monkeypatch, FIT)
    settings, own = read_all_settings(SessionsSettings)
    assert (settings.issuer, own.issuer_key) == (FIT["OPENCIRCLE_ISSUER"], None)


def test_every_unfit_setting_is_named_at_once_and_no_secret_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _set(monkeypatch, FIT | {name: text for name, (text, _) in UNFIT.items()})
    with pytest.raises(SystemExit) as ended:
        read_all_settings(SessionsSettings)
    told = capsys.readouterr().err
    assert ended.value.code == EX_CONFIG
    for name, (_, reason) in UNFIT.items():
        assert re.search(f"setting {name}: .*{reason}", told), name
    assert "guest:guest" not in told


def test_what_is_missing_is_named_beside_what_is_unfit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _set(monkeypatch, FIT | {"OPENCIRCLE_SESSIONS_DATABASE_URL": "sqlite+aiosqlite:///s.sqlite3"})
    monkeypatch.delenv("OPENCIRCLE_ISSUER")
    monkeypatch.setenv("OPENCIRCLE_SESSIONS_HORIZON_DAYS", "28")
    with pytest.raises(SystemExit):
        read_all_settings(SessionsSettings)
    told = capsys.readouterr().err
    assert "OPENCIRCLE_ISSUER: Field required" in told
    assert "OPENCIRCLE_SESSIONS_DATABASE_URL: SQLite" in told


def test_one_machine_may_have_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = FIT | {name: text for name, (text, _) in UNFIT.items()}
    _set(monkeypatch, texts | {"OPENCIRCLE_ENVIRONMENT": "embedded"})
    assert read_all_settings(SessionsSettings)


@pytest.mark.parametrize(
    "address",
    [
        "redis://localhost:6379",
        "redis+socket:///run/broker.sock?virtual_host=0",
        "amqps://a:9rKD2bD0Cw@broker.clinic.net",
        "postgresql+asyncpg://s@127.0.0.1/s",
        "postgresql+asyncpg:///s?host=/run/postgresql",
        "postgresql+asyncpg://s:9rKD2bD0Cw@db.clinic.net/s?ssl=require",
        "https://clinic.net",
        "http://[::1]:8000",
    ],
)
def test_what_is_local_or_encrypted_is_fit(address: str) -> None:
    assert _reasons(address) == []


@pytest.mark.parametrize(
    ("address", "reasons"),
    [
        ("rediss://broker.clinic.net", ["no password"]),
        ("amqps://guest:guest@broker.clinic.net", ["everybody knows"]),
        ("amqp://a:9rKD2bD0Cw@broker.clinic.net", ["amqp:// to broker.clinic.net is not encrypted"]),
        ("postgresql+asyncpg://s:s@db.clinic.net/s?ssl=prefer", ["not encrypted", "everybody knows"]),
        ("http://files.example.org/sheets", ["of an example", "not encrypted"]),
    ],
)
def test_each_reason_is_given(address: str, reasons: list[str]) -> None:
    told = _reasons(address)
    assert len(told) == len(reasons)
    assert all(reason in one for reason, one in zip(reasons, told, strict=True))


def test_a_host_may_be_spoken_to_openly_when_the_operator_says_so() -> None:
    assert _reasons("redis://a:9rKD2bD0Cw@valkey:6379", plain_hosts={"valkey"}) == []


def test_the_compose_file_is_fit_once_its_example_is_edited() -> None:
    environment = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["x-sessions-environment"]
    secrets = {name.upper(): SecretStr(text) for name, text in new_secrets().items()}
    plain_hosts = yaml.safe_load(environment["OPENCIRCLE_PLAIN_HOSTS"])
    texts = secrets | {"OPENCIRCLE_SESSIONS_BILLING_URL": environment["OPENCIRCLE_SESSIONS_BILLING_URL"]}
    assert list(unfit(texts, plain_hosts=plain_hosts)) == []
    example = (ROOT / "deploy" / "compose" / "opencircle.env.example").read_text()
    written = dict(line.split("=", 1) for line in example.splitlines() if line.startswith("OPENCIRCLE_"))
    assert {name for name, _ in unfit(written, plain_hosts=plain_hosts)} == {
        "OPENCIRCLE_ISSUER",
        "OPENCIRCLE_TOKEN_KEYS",
    }
