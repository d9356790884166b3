"""The launch files load in the real launch system; skipped where ROS's launch is not installed."""

from pathlib import Path

import pytest

sources = pytest.importorskip("launch.launch_description_sources")
pytest.importorskip("launch_ros")

FILES = sorted((Path(__file__).parents[2] / "launch").glob("*.launch.py"))


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_launch_file_describes_itself(path: Path) -> None:
    description = sources.get_launch_description_from_python_launch_file(str(path))
    arguments = description.get_launch_arguments()
    assert arguments
    assert all(argument.description for argument in arguments)
    assert description.entities
