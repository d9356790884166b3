"""Samples come by service from a camera and a robot that publish as the real ones do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from geometry_msgs.msg import PoseStamped
from helpers.calibration_scenes import CAMERA, T_BASE_CAMERA, shots
from helpers.ros_harness import Ros
from std_srvs.srv import Trigger

from grasp_affordance.calibration.calibration_file import (
    CameraCalibration,
    read_calibration,
    write_calibration,
)
from grasp_affordance.calibration.hand_eye import Mount
from grasp_affordance.errors import TransformError
from grasp_affordance.geometry import Array, approach_pose, invert
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.calibration.calibration_node import CalibrationNode
from grasp_affordance.ros.calibration.tool_pose import moved
from grasp_affordance.ros.common.conversions import to_header_msg, to_point_msg, to_quaternion_msg
from grasp_affordance.ros.common.rgbd_publisher import RgbdPublisher
from grasp_affordance.ros.common.transforms import CameraPose, CameraPoseConfig

FRAME = "camera_color_optical_frame"


class Cell:
    """Publishes one image and one pose of the tool again and again, until told others."""

    def __init__(self, ros: Ros) -> None:
        self.image = np.zeros((CAMERA.height, CAMERA.width, 3), np.uint8)
        self.pose: Array = np.eye(4)
        self._node = ros.node
        self._camera = RgbdPublisher(ros.node)
        self._tool = ros.node.create_publisher(PoseStamped, "/tcp_pose_broadcaster/pose", 10)
        self._lock = threading.Lock()
        ros.node.create_timer(0.05, self._publish)

    def show(self, image: np.ndarray, pose: Array) -> None:
        with self._lock:
            self.image, self.pose = image, pose

    def _publish(self) -> None:
        with self._lock:
            now = self._node.get_clock().now().nanoseconds
            message = PoseStamped(header=to_header_msg(now, "base"))
            message.pose.position = to_point_msg(self.pose[:3, 3])
            message.pose.orientation = to_quaternion_msg(self.pose)
            self._tool.publish(message)
            depth = np.full(self.image.shape[:2], 0.8, np.float32)
            self._camera.publish(RgbdFrame(self.image, depth, CAMERA, now, FRAME))


@contextmanager
def calibrating(ros: Ros, folder: Path) -> Iterator[Cell]:
    cell = Cell(ros)
    ros.start(
        CalibrationNode,
        folder=str(folder / "samples"),
        output=str(folder / "camera.yaml"),
        touched=str(folder / "touched.json"),
        tool_max_age=5.0,
        cell=ros.cell({"camera.max_age": 5.0, "camera.timeout": 10.0}),
    )
    yield cell


def call(ros: Ros, name: str) -> Trigger.Response:
    return ros.client.call(Trigger, f"/calibration_node/{name}", Trigger.Request())


def settled(ros: Ros, cell: Cell, image: np.ndarray, pose: Array) -> None:
    """Show, and wait until poses of before are gone."""
    cell.show(image, pose)
    poses = ros.listen(PoseStamped, "/tcp_pose_broadcaster/pose")
    expected = to_point_msg(pose[:3, 3])
    while poses.get(timeout=10).pose.position != expected:
        pass


def test_samples_are_captured_solved_and_written(ros: Ros, tmp_path: Path) -> None:
    with calibrating(ros, tmp_path) as cell:
        for shot in shots(Mount.EYE_TO_HAND, seed=4, count=7):
            settled(ros, cell, shot.image, shot.T_base_tool)
            answer = call(ros, "capture")
            assert answer.success, answer.message
        answer = call(ros, "solve")
    assert answer.success, answer.message
    written = read_calibration(tmp_path / "camera.yaml")
    assert (written.parent, written.child) == ("base", FRAME)
    off = invert(T_BASE_CAMERA) @ written.T_parent_camera
    assert np.linalg.norm(off[:3, 3]) < 2e-3


def test_an_image_without_a_board_is_no_sample(ros: Ros, tmp_path: Path) -> None:
    with calibrating(ros, tmp_path) as cell:
        settled(ros, cell, np.full_like(cell.image, 90), T_BASE_CAMERA)
        answer = call(ros, "capture")
        assert not answer.success
        assert "no marker" in answer.message
        assert not call(ros, "solve").success
        assert "look at the board" in call(ros, "touch").message
    assert not (tmp_path / "samples").exists()


def test_corners_that_were_seen_are_paired_with_touches(ros: Ros, tmp_path: Path) -> None:
    shot = shots(Mount.EYE_TO_HAND, seed=5, count=1)[0]
    with calibrating(ros, tmp_path) as cell:
        settled(ros, cell, shot.image, shot.T_base_tool)
        assert call(ros, "see").success
        assert call(ros, "touch").message == "3 points left"
        assert call(ros, "pivot").message == "1 poses on the point"
    assert "camera" in (tmp_path / "touched.json").read_text()


def test_a_calibration_file_says_where_the_camera_is(ros: Ros, tmp_path: Path) -> None:
    path = tmp_path / "camera.yaml"
    write_calibration(path, CameraCalibration(Mount.EYE_TO_HAND, "base", FRAME, T_BASE_CAMERA, {}))
    pose = CameraPose(ros.node, CameraPoseConfig(calibration=str(path)))
    assert np.allclose(pose.lookup(FRAME), T_BASE_CAMERA, atol=1e-6)
    with pytest.raises(TransformError, match="calibrate this camera"):
        pose.lookup("another_camera")
    pose.close()


def test_a_tool_that_turns_on_the_spot_has_moved() -> None:
    here = approach_pose((0.4, 0.1, 0.3), (0.0, 0.0, -1.0))
    assert not moved(here, here)
    assert not moved(here, approach_pose((0.4, 0.1, 0.3001), (0.0, 0.0, -1.0), 0.0005))
    assert moved(here, approach_pose((0.4, 0.1, 0.3), (0.0, 0.0, -1.0), 0.01))
    assert moved(here, approach_pose((0.4, 0.1, 0.301), (0.0, 0.0, -1.0)))
