"""Where camera and tool are, from TF by the real tf2_ros, and from the calibration file without it.

tf2_ros comes with an installed ROS and is not on PyPI; skips without it.
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from helpers.ros_harness import Ros
from helpers.ros_scenes import T_BASE_CAMERA

from grasp_affordance.calibration.calibration_file import CameraCalibration, write_calibration
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.errors import TransformError
from grasp_affordance.geometry import Array
from grasp_affordance.ros.calibration.tool_pose import ToolPose, ToolPoseConfig
from grasp_affordance.ros.common.conversions import to_header_msg, to_transform_msg
from grasp_affordance.ros.common.transforms import CameraPose, CameraPoseConfig

tf2_ros = pytest.importorskip("tf2_ros")

BASE, FRAME = "base", "camera_color_optical_frame"


class Tf:
    """Publishes transforms as robot_state_publisher and static_transform_publisher do."""

    def __init__(self, ros: Ros) -> None:
        self._node = ros.node
        self._moving: Any = tf2_ros.TransformBroadcaster(ros.node)
        self._static: Any = tf2_ros.StaticTransformBroadcaster(ros.node)

    def static(self, T: Array, parent: str = BASE, child: str = FRAME) -> None:
        self._static.sendTransform(self._message(T, parent, child, 0.0))

    def moving(self, T: Array, parent: str, child: str, age: float = 0.0) -> None:
        self._moving.sendTransform(self._message(T, parent, child, age))

    def _message(self, T: Array, parent: str, child: str, age: float) -> TransformStamped:
        stamp = self._node.get_clock().now().nanoseconds - round(age * 1e9)
        header = to_header_msg(stamp, parent)
        return TransformStamped(header=header, child_frame_id=child, transform=to_transform_msg(T))


def raised(z: float) -> Array:
    T = np.array(T_BASE_CAMERA, dtype=np.float64)
    T[2, 3] += z
    return T


def camera(ros: Ros, **values: Any) -> CameraPose:
    return CameraPose(ros.node, CameraPoseConfig(base_frame_id=BASE, **values))


def known(pose: CameraPose) -> bool:
    try:
        pose.lookup(FRAME)
    except TransformError as error:
        return "no transform" not in str(error)
    return True


def file_of(folder: Path, T: Array) -> str:
    path = folder / "camera.yaml"
    write_calibration(path, CameraCalibration(Mount.EYE_TO_HAND, BASE, FRAME, T, {}))
    return str(path)


def test_a_static_transform_is_where_the_camera_is_however_old(ros: Ros) -> None:
    tf, pose = Tf(ros), camera(ros, max_age=0.05)
    tf.static(T_BASE_CAMERA)
    ros.wait_until(lambda: known(pose), "known")
    ros.wait_until(lambda: pose.lookup(FRAME) is not None, "still known", 0.2)
    np.testing.assert_allclose(pose.lookup(FRAME), T_BASE_CAMERA, atol=1e-9)
    pose.close()


def test_a_chain_of_a_moving_and_a_static_transform_is_followed(ros: Ros) -> None:
    tf, pose = Tf(ros), camera(ros, max_age=5.0)
    T_base_tool = np.eye(4)
    T_base_tool[:3, 3] = [0.1, 0.2, 0.3]
    tf.static(np.linalg.inv(T_base_tool) @ T_BASE_CAMERA, "tool0")

    def moved() -> bool:
        tf.moving(T_base_tool, BASE, "tool0")
        return known(pose)

    ros.wait_until(moved, "known")
    np.testing.assert_allclose(pose.lookup(FRAME), T_BASE_CAMERA, atol=1e-9)
    pose.close()


def test_a_transform_that_has_stopped_is_refused_with_its_age(ros: Ros) -> None:
    tf, pose = Tf(ros), camera(ros, max_age=0.5)

    def heard() -> bool:
        tf.moving(T_BASE_CAMERA, BASE, FRAME, age=3.0)
        return known(pose)

    ros.wait_until(heard, "heard")
    with pytest.raises(TransformError, match=r"3\.\d s old"):
        pose.lookup(FRAME)
    pose.close()


def test_a_transform_stamped_ahead_of_the_clock_is_refused_by_name_also_later(ros: Ros) -> None:
    tf, pose = Tf(ros), camera(ros, max_age=5.0)

    def refused() -> bool:
        tf.moving(T_BASE_CAMERA, BASE, FRAME, age=-1.0)
        with pytest.raises(TransformError) as error:
            pose.lookup(FRAME)
        return "s ahead of the clock" in str(error.value)

    ros.wait_until(refused, "refused")
    time.sleep(1.2)
    with pytest.raises(TransformError, match="ahead of the clock"):
        pose.lookup(FRAME)
    pose.close()


def test_without_tf_the_file_says_where_the_camera_is(ros: Ros, tmp_path: Path) -> None:
    pose = camera(ros, calibration=file_of(tmp_path, T_BASE_CAMERA))
    np.testing.assert_allclose(pose.lookup(FRAME), T_BASE_CAMERA, atol=1e-9)
    pose.close()


def test_tf_goes_before_a_file_that_agrees(ros: Ros, tmp_path: Path) -> None:
    pose = camera(ros, calibration=file_of(tmp_path, T_BASE_CAMERA))
    Tf(ros).static(raised(0.001))
    ros.wait_until(
        lambda: pose.lookup(FRAME)[2, 3] == pytest.approx(raised(0.001)[2, 3]), "TF used"
    )
    pose.close()


def test_tf_and_a_file_that_disagree_stop_everything(ros: Ros, tmp_path: Path) -> None:
    pose = camera(ros, calibration=file_of(tmp_path, T_BASE_CAMERA))
    Tf(ros).static(raised(0.02))

    def refused() -> bool:
        try:
            pose.lookup(FRAME)
        except TransformError as error:
            return "20.0 mm" in str(error)
        return False

    ros.wait_until(refused, "refused")
    pose.close()


def test_the_tools_pose_comes_from_tf_while_it_is_young(ros: Ros) -> None:
    tf = Tf(ros)
    tool = ToolPose(ros.node, ToolPoseConfig(base_frame_id=BASE, max_age=2.0))

    def read(age: float) -> str:
        tf.moving(T_BASE_CAMERA, BASE, "tool0", age)
        try:
            T = tool.read()
        except TransformError as error:
            return str(error)
        return "" if np.allclose(T, T_BASE_CAMERA) else "another pose"

    ros.wait_until(lambda: "old" in read(3.0), "refused as old")
    ros.wait_until(lambda: not read(0.0), "read")
    tool.close()
