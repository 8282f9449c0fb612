from pathlib import Path

import pytest

from deploy.embedded.demo.day import NotOurFolderError, fresh_folder


def test_the_demo_empties_only_a_folder_that_it_made(tmp_path: Path) -> None:
    ours = fresh_folder(tmp_path / "data", spared=None)
    (ours / "old").touch()
    assert not (fresh_folder(ours, spared=None) / "old").exists()


def test_a_folder_that_is_not_the_demos_own_is_left_alone(tmp_path: Path) -> None:
    thesis = tmp_path / "data" / "thesis.txt"
    thesis.parent.mkdir()
    thesis.touch()
    with pytest.raises(NotOurFolderError):
        fresh_folder(thesis.parent, spared=None)
    assert thesis.exists()


def test_an_export_inside_the_folder_is_not_deleted(tmp_path: Path) -> None:
    ours = fresh_folder(tmp_path / "data", spared=None)
    (ours / "export").mkdir()
    with pytest.raises(NotOurFolderError):
        fresh_folder(ours, spared=ours / "export")
    assert (ours / "export").exists()
