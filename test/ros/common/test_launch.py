"""The launch files in the real launch system; skipped where ROS's launch is not installed.

Without the robot's or Gazebo's packages their files must end with one line that says so; the others
must start our nodes and end them.
"""

import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from helpers.detection_scenes import write_random_detector
from helpers.ros_harness import Ros
from lifecycle_msgs.msg import State
from rcl_interfaces.srv import GetParameters

from grasp_affordance.ros.common.launching import COMMON

sources = pytest.importorskip("launch.launch_description_sources")
pytest.importorskip("launch_ros")

FOLDER = Path(__file__).parents[3] / "launch"
FILES = sorted(FOLDER.glob("*.launch.py"))
# What `ros2 launch FILE NAME:=VALUE ...` does, without ros2cli.
PROGRAM = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService()
source = PythonLaunchDescriptionSource(sys.argv[1])
arguments = [tuple(text.split(":=", 1)) for text in sys.argv[2:]]
included = IncludeLaunchDescription(source, launch_arguments=arguments)
service.include_launch_description(LaunchDescription([included]))
sys.exit(service.run())
"""


@contextmanager
def launched(file: str, *arguments: str) -> Iterator[Any]:
    """A launch under way; interrupted at the end, by which it must end without an error."""
    command = [sys.executable, "-c", PROGRAM, str(FOLDER / file), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=60.0)
    assert "process has died" not in output, output
    assert process.returncode == 0, output


def ours(**arguments: str) -> list[str]:
    """Return the executables of ours that ur5.launch.py starts itself with these arguments."""
    described = runpy.run_path(str(FOLDER / "ur5.launch.py"))
    given = {name: default for name, (default, _) in described["ARGUMENTS"].items()}
    started = described["ours"](given | arguments)
    return [part.node_executable for part in started if hasattr(part, "node_executable")]


def test_with_a_folder_for_the_attempts_a_trainer_runs_beside_the_robot(tmp_path: Path) -> None:
    assert "trainer_node" not in ours()
    learning = ours(attempts=str(tmp_path), cell="ur5e")
    assert {"executor_node", "trainer_node"} <= set(learning)
    assert "calibration_node" in ours(calibrating="true")


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_launch_file_describes_itself(path: Path) -> None:
    description = sources.get_launch_description_from_python_launch_file(str(path))
    arguments = description.get_launch_arguments()
    assert arguments
    assert all(argument.description for argument in arguments)
    assert description.entities
    # Gazebo's world has one name for each topic.
    common = set(COMMON) - ({"namespace"} if path.name == "gazebo.launch.py" else set())
    assert common <= {argument.name for argument in arguments}


@pytest.mark.slow
def test_every_node_of_a_launch_has_its_namespace_and_waits_for_a_manager(
    ros: Ros, tmp_path: Path
) -> None:
    arguments = ("namespace:=left", "autostart:=false", "rvis:=true", "scene:=boxes")
    nodes = [f"left/{name}" for name in ("executor_node", "affordance_node", "trainer_node")]
    with launched("sim.launch.py", *arguments, f"record:={tmp_path / 'log'}") as process:
        while "no argument" not in (line := process.stdout.readline()):
            assert process.poll() is None, "it ended without a warning"
        assert "sim.launch.py has no argument rvis; did you mean rviz?" in line
        for name in nodes:
            ros.client.wait_present(name, 120.0)
            assert ros.client.state(name).id == State.PRIMARY_STATE_UNCONFIGURED


@pytest.mark.slow
def test_the_nodes_of_a_recording_start_and_end_together(ros: Ros, sequence: Path) -> None:
    with launched("recorded.launch.py", f"recording:={sequence}"):
        for name in ("camera_node", "affordance_node"):
            ros.client.wait_active(name, 120.0)


@pytest.mark.slow
def test_with_weights_the_detector_runs_beside(ros: Ros, sequence: Path, tmp_path: Path) -> None:
    weights = write_random_detector(tmp_path / "detector.safetensors")
    with launched("recorded.launch.py", f"recording:={sequence}", f"detector:={weights}"):
        for name in ("affordance_node", "detector_node"):
            ros.client.wait_active(name, 120.0)


@pytest.mark.slow
def test_the_simulated_cell_starts_with_the_scene_of_its_arguments(ros: Ros) -> None:
    with launched("sim.launch.py", "scene:=boxes", "hardness:=ideal"):
        for name in ("executor_node", "affordance_node"):
            ros.client.wait_active(name, 120.0)
        asked = GetParameters.Request(names=["simulation.scene", "simulation.hardness", "cell"])
        answer = ros.client.call(GetParameters, "executor_node/get_parameters", asked)
        scene, hardness, cell = (value.string_value for value in answer.values)
        assert (scene, hardness) == ("boxes", "ideal")
        assert Path(cell).name == "sim.yaml"


@pytest.mark.parametrize(
    ("file", "package", "arguments"),
    [
        ("ur5.launch.py", "moveit_py", []),
        ("gazebo.launch.py", "ros_gz_sim", []),
        ("sim.launch.py", "robot_state_publisher", ["rviz:=true"]),
        ("nodes.launch.py", "rviz2", ["rviz:=true"]),
    ],
)
def test_a_launch_of_what_is_not_installed_says_so_in_one_line(
    file: str, package: str, arguments: list[str]
) -> None:
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        pass
    else:
        pytest.skip(f"{package} is installed")
    command = [sys.executable, "-c", PROGRAM, str(FOLDER / file), *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60.0, check=False)
    output = ended.stdout + ended.stderr
    lines = [line for line in output.splitlines() if "[ERROR]" in line]
    assert ended.returncode != 0
    assert len(lines) == 1, output
    assert f"{file} needs " in lines[0] or "rviz:=true needs " in lines[0]
    assert package in lines[0]
    assert "sudo apt install" in lines[0]
