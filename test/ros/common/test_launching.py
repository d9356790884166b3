"""Launch files name what is missing, record what an incident needs, and place the camera on TF."""

from pathlib import Path

import numpy as np
import pytest

from grasp_affordance.calibration.calibration_file import CameraCalibration, write_calibration
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import approach_pose, from_quaternion
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.launching import (
    MissingPackagesError,
    absolute_cell,
    parameter_sources,
    record_command,
    require_packages,
    static_transform_arguments,
    unknown_arguments,
)
from grasp_affordance.ros.drivers.arm.contact import ContactConfig
from grasp_affordance.ros.drivers.ur.cell import UrConfig


def test_missing_packages_are_named_with_the_command_that_installs_them() -> None:
    require_packages(["rclpy"], "some.launch.py")
    with pytest.raises(MissingPackagesError) as caught:
        require_packages(["rclpy", "no_such_driver", "no_such_camera"], "some.launch.py")
    assert str(caught.value) == (
        "some.launch.py needs no_such_driver, no_such_camera: "
        "sudo apt install ros-$ROS_DISTRO-no-such-driver ros-$ROS_DISTRO-no-such-camera"
    )


def test_a_cell_is_found_from_anywhere_by_name_or_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert absolute_cell("mine.yaml") == str(tmp_path / "mine.yaml")
    assert absolute_cell("ur5e").endswith("config/cells/ur5e.yaml")
    with pytest.raises(ConfigError, match="no cell 'ur10': expected a file, or one of gazebo"):
        absolute_cell("ur10")


def test_a_node_gets_a_parameter_file_only_where_one_is_given() -> None:
    assert parameter_sources("", {"a": 1}) == [{"a": 1}]
    assert parameter_sources("file.yaml", {"a": 1}) == ["file.yaml", {"a": 1}]


@pytest.mark.parametrize("namespace", ["", "robot1"])
def test_all_that_the_drivers_listen_to_is_recorded(namespace: str) -> None:
    config, command = UrConfig(), record_command("folder", ["/more"], namespace)
    own = f"/{namespace}" if namespace else ""
    camera = f"{own}/{topics.CAMERA}"
    io = config.io.controller
    for topic in (
        f"{own}/{config.arm.joint_states}",
        f"{own}/{config.speed_topic}",
        f"{own}/{ContactConfig().force_topic}",
        *(
            f"{own}/{io}/{n}"
            for n in ("io_states", "robot_mode", "safety_mode", "robot_program_running")
        ),
        *(f"{camera}/{n}" for n in (topics.COLOR, topics.ALIGNED_DEPTH, topics.COLOR_INFO)),
        f"{camera}/{topics.CAMERA_POSE}",
        f"{own}/executor_node/pick_result",
        f"{own}/executor_node/state",
        "/tf_static",
        "/more",
    ):
        assert f"/{topic.lstrip('/')}" in command[command.index("--topics") :]
    assert command[command.index("--output") + 1] == "folder"


def test_the_calibration_is_put_on_tf_as_it_is(tmp_path: Path) -> None:
    T = approach_pose((0.5, -0.1, 0.8), (0.1, 0.05, -1.0), 0.3)
    path = tmp_path / "camera.yaml"
    write_calibration(path, CameraCalibration(Mount.EYE_TO_HAND, "base", "optical", T, {}))
    arguments = static_transform_arguments(str(path))
    given = dict(zip(arguments[::2], arguments[1::2], strict=True))
    assert (given["--frame-id"], given["--child-frame-id"]) == ("base", "optical")
    position = [float(given[f"--{axis}"]) for axis in "xyz"]
    quaternion = [float(given[f"--q{axis}"]) for axis in "xyzw"]
    np.testing.assert_allclose(from_quaternion(position, quaternion), T, atol=1e-8)


def test_an_argument_that_a_launch_file_does_not_have_is_named_with_what_is_meant() -> None:
    given = {"rvis": "true", "cell": "sim", "speed": "1"}
    known = ("cell", "rviz", "namespace")
    assert unknown_arguments("sim.launch.py", given, known) == [
        "sim.launch.py has no argument rvis; did you mean rviz?",
        "sim.launch.py has no argument speed; it has cell, rviz, namespace",
    ]
    own = {"cell": "sim", "ros_namespace": "/left"}
    assert not unknown_arguments("sim.launch.py", own, known)
