from pathlib import Path

import pytest

from services.printing.settings import PrintingSettings
from services.printing.storage import FolderStorage, S3Storage, open_storage
from shared.settings import read_settings

BUCKET = {"BUCKET_URL": "https://s3.example/sheets", "ACCESS_KEY_ID": "id", "SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def _database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENCIRCLE_PRINTING_DATABASE_URL", "sqlite+aiosqlite:///printing.sqlite3")


def _set(monkeypatch: pytest.MonkeyPatch, **storage: str) -> PrintingSettings:
    for name, value in storage.items():
        monkeypatch.setenv(f"OPENCIRCLE_PRINTING_STORAGE_{name}", value)
    return read_settings(PrintingSettings)


def test_a_folder_is_a_storage(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert open_storage(_set(monkeypatch, FOLDER=str(tmp_path))) == FolderStorage(tmp_path)


def test_a_bucket_with_its_keys_is_a_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(open_storage(_set(monkeypatch, **BUCKET)), S3Storage)


@pytest.mark.parametrize(
    "storage",
    [
        {},
        {"FOLDER": "/var/sheets", **BUCKET},
        {"BUCKET_URL": BUCKET["BUCKET_URL"]},
        {**BUCKET, "BUCKET_URL": "https://s3.example/"},
        {**BUCKET, "BUCKET_URL": "s3://sheets"},
    ],
    ids=["none", "both", "no keys", "no bucket", "no address"],
)
def test_anything_else_stops_the_process_at_its_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], storage: dict[str, str]
) -> None:
    with pytest.raises(SystemExit):
        _set(monkeypatch, **storage)
    assert "opencircle: setting OPENCIRCLE_PRINTING_" in capsys.readouterr().err


@pytest.mark.parametrize(
    "link", ["https://clinic.example/", "javascript:{session_id}", "https://a/{session_id}{session_id}"]
)
def test_a_code_opens_an_address_with_the_session_in_it_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, link: str
) -> None:
    monkeypatch.setenv("OPENCIRCLE_PRINTING_SESSION_LINK", link)
    with pytest.raises(SystemExit):
        _set(monkeypatch, FOLDER=str(tmp_path))
