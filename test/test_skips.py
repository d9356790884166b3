"""CI fails where a test is skipped that it is meant to run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FILES = {
    "test_browser.py": """
import pytest
@pytest.mark.skipif(True, reason="chromium is not installed")
def test_page(): pass
def test_other(): pass
""",
    "test_late.py": """
import pytest
def test_page(): pytest.skip("no chromium found")
""",
    "test_whole_file.py": """
import pytest
pytest.importorskip("a_package_that_nobody_has")
""",
    "test_foreseen.py": """
import pytest
def test_ros(): pytest.importorskip("moveit.a_module_that_nobody_has")
@pytest.mark.skipif(True, reason="Ray is installed")
def test_ray(): pass
@pytest.mark.xfail
def test_known(): assert False
""",
}


def outcome(folder: Path, name: str, ci: str) -> tuple[int, str]:
    """Run pytest on one of the files; return its status and what it says."""
    (folder / name).write_text(FILES[name])
    (folder / "conftest.py").write_text(
        "from helpers.skips import pytest_make_collect_report, pytest_runtest_makereport\n"
    )
    environment = {**os.environ, "CI": ci, "PYTHONPATH": str(Path(__file__).parent)}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", str(folder / name)]
    done = subprocess.run(
        command, env=environment, cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", ["test_browser.py", "test_late.py", "test_whole_file.py"])
def test_a_skip_that_is_not_foreseen_fails_in_ci_and_nowhere_else(
    tmp_path: Path, name: str
) -> None:
    status, text = outcome(tmp_path, name, "true")
    assert status not in (0, 5)
    assert "CI is meant to run this test" in text
    status, text = outcome(tmp_path, name, "")
    assert status in (0, 5)  # 5: nothing was left to run
    assert "1 skipped" in text


def test_a_skip_that_is_foreseen_passes_in_ci(tmp_path: Path) -> None:
    status, text = outcome(tmp_path, "test_foreseen.py", "true")
    assert status == 0, text
    assert "2 skipped, 1 xfailed" in text
