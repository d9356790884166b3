"""The first question after a start waits for the camera's pose; later ones are answered at once."""

import itertools
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from execution.fakes import FakeCellState, fake_cell
from geometry_msgs.msg import TransformStamped
from helpers.ros_harness import Ros
from helpers.ros_scenes import T_BASE_CAMERA, box_frame
from std_msgs.msg import Header

from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import CameraError, TransformError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import to_transform_msg
from grasp_affordance.ros.common.frame_source import Keep
from grasp_affordance.ros.common.transforms import CameraPose, CameraPoseConfig
from grasp_affordance.ros.executor.pick_record import PickRecord, RecordConfig
from grasp_affordance.ros.executor.topic_camera import TopicCamera

FRAME = "camera_color_optical_frame"


def say_soon(ros: Ros) -> None:
    """Publish the pose a little later, from another thread."""
    topic = f"{topics.CAMERA}/{topics.CAMERA_POSE}"
    publisher = ros.node.create_publisher(TransformStamped, topic, topics.LATCHED)
    message = TransformStamped(
        header=Header(frame_id="base"),
        child_frame_id=FRAME,
        transform=to_transform_msg(T_BASE_CAMERA),
    )
    threading.Timer(0.3, publisher.publish, (message,)).start()


class Clock:
    """Stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_question_waits_however_long_after_the_start_it_comes(ros: Ros) -> None:
    clock = Clock()
    pose = CameraPose(ros.node, CameraPoseConfig(), clock=clock)
    clock.now = 1000.0  # the start took that long, on a machine with other work
    say_soon(ros)
    np.testing.assert_allclose(pose.wait(FRAME), T_BASE_CAMERA, atol=1e-9)


def test_patience_ends_and_is_not_renewed(ros: Ros) -> None:
    seconds = itertools.count()
    pose = CameraPose(ros.node, CameraPoseConfig(), clock=lambda: float(next(seconds)))
    with pytest.raises(TransformError, match="no transform"):
        pose.wait(FRAME)
    spent = next(seconds)
    with pytest.raises(TransformError, match="no transform"):
        pose.wait(FRAME)
    assert next(seconds) == spent + 2, "the second question looks at the clock once"
    with pytest.raises(TransformError, match="no transform"):
        pose.lookup(FRAME)


def test_the_executors_camera_waits_as_well(ros: Ros) -> None:
    frames = cast(Any, Camera())
    camera = TopicCamera(frames, CameraPose(ros.node, CameraPoseConfig(), clock=Clock()))
    say_soon(ros)
    np.testing.assert_allclose(camera.pose(), T_BASE_CAMERA, atol=1e-9)


class Camera:
    """Has its first frame, and then its pose, only when it is asked again."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals

    def remember(self, keep: Keep) -> None:
        pass

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        self._refuse("no frame")
        return replace(box_frame(), frame_id=FRAME)

    def pose(self) -> np.ndarray:
        self._refuse("no transform")
        return np.array(T_BASE_CAMERA)

    def _refuse(self, reason: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise CameraError(reason)


def record_of(folder: Path, camera: Camera, patience: float) -> PickRecord:
    cell = replace(fake_cell(FakeCellState()), camera=cast(Any, camera))
    return PickRecord(
        RecordConfig(str(folder), label=False, patience=patience), cell, read_cell("sim")
    )


def test_an_attempt_log_waits_for_a_camera_that_starts_beside_it(tmp_path: Path) -> None:
    record = record_of(tmp_path, Camera(refusals=3), 30.0)
    record.open()
    assert record.blocking_reason() == ""
    assert any(tmp_path.iterdir())


def test_a_camera_that_never_comes_is_named(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="no frame"):
        record_of(tmp_path, Camera(refusals=10**9), 0.0).open()
