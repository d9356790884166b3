"""A folder is written to by one process at a time."""

import subprocess
import sys
from pathlib import Path

import pytest

from grasp_affordance.folder_lock import BusyError, FolderLock

_HOLDER = """
import sys, time
from pathlib import Path
from grasp_affordance.folder_lock import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


def test_a_lock_keeps_out_another_of_the_same_process(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "new"), pytest.raises(BusyError, match="another process is writing"):
        FolderLock(tmp_path / "new")
    FolderLock(tmp_path / "new").close()


def test_a_lock_that_nobody_refers_to_is_released(tmp_path: Path) -> None:
    FolderLock(tmp_path)
    FolderLock(tmp_path).close()


def test_a_kill_releases_the_lock_of_another_process(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(BusyError):
            FolderLock(tmp_path)
        holder.kill()
    FolderLock(tmp_path).close()
