"""Atomic files."""

import os
from pathlib import Path

import pytest

from grasp_affordance.files import new_folder, write_atomically


def test_the_content_arrives_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "file"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(path.parent) == ["file"]


def test_a_failure_leaves_the_old_content_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def no_space(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_takes_its_name_when_all_of_it_is_there(tmp_path: Path) -> None:
    target = tmp_path / "parent" / "folder"
    with new_folder(target) as place:
        assert place.name == target.name
        place.mkdir()
        (place / "file").write_bytes(b"all")
        assert not target.exists()
    assert (target / "file").read_bytes() == b"all"
    assert os.listdir(target.parent) == ["folder"]


def test_what_breaks_off_leaves_no_folder(tmp_path: Path) -> None:
    def break_off() -> None:
        with new_folder(tmp_path / "folder") as place:
            place.mkdir()
            (place / "file").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert os.listdir(tmp_path) == []


def test_a_folder_that_exists_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileExistsError, match="exists already"), new_folder(tmp_path / "folder"):
        pytest.fail("nothing may be written")
    assert os.listdir(tmp_path) == ["folder"]
