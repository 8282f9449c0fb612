from pathlib import Path

import pytest

from services.charts.settings import ChartsSettings
from shared import settings
from shared.settings import read_settings

URL = "sqlite+aiosqlite:///charts.sqlite3"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings, "SECRETS_FOLDER", tmp_path)
    monkeypatch.delenv("OPENCIRCLE_CHARTS_DATABASE_URL", raising=False)
    return tmp_path


def test_a_setting_can_be_a_file_of_its_name(secrets: Path) -> None:
    (secrets / "opencircle_charts_database_url").write_text(f"{URL}\n")
    assert read_settings(ChartsSettings).database_url.get_secret_value() == URL


def test_the_environment_goes_before_the_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "opencircle_charts_database_url").write_text("sqlite+aiosqlite:///other.sqlite3")
    monkeypatch.setenv("OPENCIRCLE_CHARTS_DATABASE_URL", URL)
    assert read_settings(ChartsSettings).database_url.get_secret_value() == URL


def test_a_setting_that_is_nowhere_is_named(secrets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        read_settings(ChartsSettings)
    assert capsys.readouterr().err == "opencircle: setting OPENCIRCLE_CHARTS_DATABASE_URL: Field required\n"
