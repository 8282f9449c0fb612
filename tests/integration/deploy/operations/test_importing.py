import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.embedded.folder import DataFolder
from deploy.operations.importing import cli
from services.sessions.directory.fhir import LINE_BYTES_AT_MOST
from tests.support.fhir_exports import location, patient, practitioner


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "Location.ndjson").write_text(json.dumps(location()))
    (folder / "Practitioner.000.ndjson").write_text(json.dumps(practitioner()) + "\n")
    (folder / "Patient.000.ndjson").write_text(json.dumps(patient()) + "\n")
    return folder


def imported(folder: DataFolder, export: Path, *more: str, status: int = 0) -> str:
    arguments = [str(export), "--data-dir", str(folder.root), *more]
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == status, result.output
    return result.output


def reports(folder: DataFolder, export: Path, *, status: int = 0) -> list[dict[str, Any]]:
    return [*json.loads(imported(folder, export, "--json", status=status))]


def test_an_export_is_imported_once_however_often(deployment: DataFolder, export: Path) -> None:
    assert [one["changed"] for one in reports(deployment, export)] == [1, 1, 1]
    assert [one["unchanged"] for one in reports(deployment, export)] == [1, 1, 1]


def test_a_bad_line_is_named_and_the_rest_is_kept(deployment: DataFolder, export: Path) -> None:
    file = export / "Patient.000.ndjson"
    file.write_text("{}\n" + "x" * (2 * LINE_BYTES_AT_MOST) + "\n" + file.read_text())
    told = reports(deployment, export, status=1)[-1]
    assert (told["read"], told["changed"]) == (3, 1)
    assert [problem["line"] for problem in told["problems"]] == [1, 2]


def test_an_import_is_the_deed_of_a_user(deployment: DataFolder, export: Path) -> None:
    assert "nobody" in imported(deployment, export, "--login", "nobody", status=1)
    reports(deployment, export)
    with sqlite3.connect(deployment.database("sessions")) as database:
        (users,) = database.execute(
            "SELECT count(user_id) FROM audit_entry WHERE action = 'directory.imported'"
        ).fetchone()
    assert users == 3


def test_an_empty_folder_is_refused(deployment: DataFolder, tmp_path: Path) -> None:
    assert "no file of a bulk export" in imported(deployment, tmp_path, status=1)
