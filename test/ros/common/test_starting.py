"""A process whose environment or arguments are wrong says so in one line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

NODE = [sys.executable, "-m", "grasp_affordance.ros.camera.camera_node"]


def started(*arguments: str, **environment: str) -> str:
    """Start a node that cannot start; return its last line. The C library may say more before."""
    variables = {key: value for key, value in os.environ.items() if key != "ROS_LOG_DIR"}
    ended = subprocess.run(
        [*NODE, *arguments],
        env=variables | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    return ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"ROS_LOG_DIR": "/proc/nowhere"}, "'/proc/nowhere': 2; set ROS_LOG_DIR, or HOME"),
        ({"HOME": "", "ROS_HOME": "", "ROS_LOG_DIR": ""}, "set ROS_LOG_DIR, or HOME"),
        ({"ROS_DOMAIN_ID": "robot"}, "ROS_DOMAIN_ID 'robot' is not a number between 0 and 232"),
        ({"ROS_DOMAIN_ID": "233"}, "ROS_DOMAIN_ID '233' is not a number between 0 and 232"),
        ({"ROS_DOMAIN_ID": "-1"}, "ROS_DOMAIN_ID '-1' is not a number between 0 and 232"),
    ],
)
def test_an_environment_in_which_ros_cannot_start_is_named(
    environment: dict[str, str], said: str
) -> None:
    line = started(**environment)
    assert line.startswith("ConfigError: ")
    assert said in line


@pytest.mark.parametrize("content", ["camera_node: [", "camera_node:\n  rate: 3\n", None])
def test_a_parameter_file_that_cannot_be_read_is_named(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "cell.yaml"
    if content is not None:
        file.write_text(content)
    line = started("--ros-args", "--params-file", str(file), ROS_LOG_DIR=str(tmp_path))
    assert line.startswith("ConfigError: ROS does not start: ")
    assert str(file) in line
    assert line.endswith("it needs `node_name: ros__parameters: ...`")


@pytest.mark.parametrize("argument", [["-p", "rate"], ["--nonsense"]])
def test_arguments_that_ros_does_not_know_are_named(argument: list[str], tmp_path: Path) -> None:
    line = started("--ros-args", *argument, ROS_LOG_DIR=str(tmp_path))
    assert line.startswith("ConfigError: ROS does not start: ")
    assert argument[-1] in line


ENDING = """
import atexit, sys, time
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.spin import run

class Node(ManagedNode):
    def __init__(self):
        super().__init__("ending", NoParameters())
    def start(self):
        print("started", flush=True)
    def stop(self):
        print("stopped")

from dataclasses import dataclass
@dataclass(frozen=True)
class NoParameters:
    pass

atexit.register(lambda: (print("Python ends"), time.sleep(30)))
run(Node)
"""


def test_a_node_is_stopped_in_order_and_its_process_then_leaves_at_once(tmp_path: Path) -> None:
    environment = os.environ | {"ROS_LOG_DIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", ENDING],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=25)
    assert (output, process.returncode) == ("stopped\n", 0), errors
