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
    parameters_file,
    record_command,
    require_packages,
    static_transform_arguments,
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


def test_the_parameters_are_those_of_the_robots_type_or_the_given_ones(tmp_path: Path) -> None:
    assert parameters_file("", "ur5e").endswith("config/ur5e.yaml")
    mine = tmp_path / "cell.yaml"
    mine.write_text("")
    assert parameters_file(str(mine), "ur10") == str(mine)
    with pytest.raises(ConfigError, match=r"ur10\.yaml: copy config/ur5\.yaml"):
        parameters_file("", "ur10")


def test_all_that_the_drivers_listen_to_is_recorded() -> None:
    config, command = UrConfig(), record_command("folder", ["/more"])
    camera = f"/{topics.CAMERA}"
    io = config.io.controller
    for topic in (
        config.arm.joint_states,
        config.speed_topic,
        ContactConfig().force_topic,
        *(f"{io}/{n}" for n in ("io_states", "robot_mode", "safety_mode", "robot_program_running")),
        *(f"{camera}/{n}" for n in (topics.COLOR, topics.ALIGNED_DEPTH, topics.COLOR_INFO)),
        f"{camera}/{topics.CAMERA_POSE}",
        "/executor_node/pick_result",
        "/executor_node/state",
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
