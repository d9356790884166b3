"""Whatever a camera or a disk delivers: a named error with a remedy, and the node keeps running."""

import dataclasses
import threading
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, TransformStamped
from grasp_affordance_interfaces.msg import ModelAnnouncement
from grasp_affordance_interfaces.srv import GetSuctionPoints, LoadModel
from helpers.ros_harness import TIMEOUT, Ros
from helpers.ros_scenes import CAMERA, T_BASE_CAMERA, box_frame
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from grasp_affordance.affordance.network.checkpoint import Checkpoint, write_checkpoint
from grasp_affordance.ros.affordance.affordance_node import AffordanceNode
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import to_transform_msg
from grasp_affordance.ros.common.images import to_rgbd_msgs

Messages = tuple[Image, Image, CameraInfo]
Change = Callable[[Messages], tuple[Any, ...]]


class Driver:
    """A camera driver that publishes boxes at 20 Hz, changed as a test says."""

    def __init__(self, ros: Ros, change: Change) -> None:
        self.change = change
        self._clock = ros.node.get_clock()
        names = (
            (Image, topics.COLOR),
            (Image, topics.ALIGNED_DEPTH),
            (CameraInfo, topics.COLOR_INFO),
        )
        self._publishers = [
            ros.node.create_publisher(kind, f"{CAMERA}/{name}", topics.IMAGE_PUBLISHER)
            for kind, name in names
        ]
        ros.node.create_timer(0.05, self._publish)

    def _publish(self) -> None:
        frame = dataclasses.replace(box_frame(), stamp_ns=self._clock.now().nanoseconds)
        for publisher, message in zip(
            self._publishers, self.change(to_rgbd_msgs(frame)), strict=True
        ):
            if message is not None:
                publisher.publish(message)


def unchanged(messages: Messages) -> Messages:
    return messages


def without_depth(messages: Messages) -> tuple[Any, ...]:
    return messages[0], None, messages[2]


def depth_of(value: float) -> Change:
    def change(messages: Messages) -> Messages:
        depth = np.full((240, 320), value, np.float32)
        messages[1].data = array("B", depth.tobytes())
        return messages

    return change


def smaller_depth(messages: Messages) -> Messages:
    depth = messages[1]
    depth.height, depth.data = 120, depth.data[: 120 * depth.step]
    return messages


def depth_of_another_frame(messages: Messages) -> Messages:
    stamp = messages[1].header.stamp
    messages[1].header = Header(stamp=stamp, frame_id="camera_depth_optical_frame")
    return messages


def strange_encoding(messages: Messages) -> Messages:
    messages[0].encoding = "yuv422_yuy2"
    return messages


def cut_data(messages: Messages) -> Messages:
    messages[0].data = messages[0].data[:1000]
    return messages


def zero_intrinsics(messages: Messages) -> Messages:
    messages[2].k = np.zeros(9)
    return messages


def depth_an_hour_late(messages: Messages) -> Messages:
    header = messages[1].header
    stamp = Time(sec=header.stamp.sec - 3600, nanosec=header.stamp.nanosec)
    messages[1].header = Header(stamp=stamp, frame_id=header.frame_id)
    return messages


def an_hour_old(messages: Messages) -> Messages:
    messages[0].header.stamp.sec -= 3600  # all three share one header
    return messages


def ask(ros: Ros, **fields: object) -> GetSuctionPoints.Response:
    service = "/affordance_node/get_suction_points"
    return ros.client.call(GetSuctionPoints, service, GetSuctionPoints.Request(**fields), TIMEOUT)


def ask_until(ros: Ros, text: str, **fields: object) -> GetSuctionPoints.Response:
    """Ask until the answer's message holds a text: discovery and first frames take their time."""
    answers: list[GetSuctionPoints.Response] = []

    def said() -> bool:
        answers.append(ask(ros, **fields))
        return text in answers[-1].message

    ros.wait_until(said, f"answered '{text}'")
    return answers[-1]


def causes(answer: GetSuctionPoints.Response) -> list[str]:
    return [rejection.cause for rejection in answer.rejections]


CASES: list[tuple[str, Change, str, str]] = [
    ("no depth at all", without_depth, "no_frame",
     "nothing on camera/camera/aligned_depth_to_color/image_raw while"),
    ("all holes", depth_of(0.0), "unusable_frame", "FrameError: only 0.0% of the depth pixels"),
    ("NaN", depth_of(float("nan")), "unusable_frame", "FrameError: only 0.0% of the depth pixels"),
    ("infinite", depth_of(float("inf")), "unusable_frame", "FrameError: only 0.0% of the depth"),
    ("mismatched sizes", smaller_depth, "unusable_frame", "align_depth.enable:=true"),
    ("depth that is not aligned", depth_of_another_frame, "unusable_frame",
     "FrameError: the depth is in 'camera_depth_optical_frame', the color in 'camera_color_"),
    ("unknown encoding", strange_encoding, "unusable_frame", "encoding 'yuv422_yuy2' is unknown"),
    ("cut data", cut_data, "unusable_frame", "the message is damaged"),
    ("camera_info of zeros", zero_intrinsics, "unusable_frame", "published by a calibrated driver"),
    ("stamps that never match", depth_an_hour_late, "no_frame", "stamps never match"),
    ("a stale frame", an_hour_old, "stale_frame", "StaleFrameError: no frame of the last 1.0 s"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "cause", "said"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_camera_fault_is_named_on_the_response_and_on_rosout_and_is_survived(
    ros: Ros, change: Change, cause: str, said: str
) -> None:
    driver = Driver(ros, change)
    node = ros.start(AffordanceNode, cell=ros.cell({"camera.timeout": 0.3}, ""))
    answer = ask_until(ros, said)
    assert not answer.success
    assert not answer.points
    assert causes(answer) == [cause]
    ros.wait_for_log(said)
    assert node.active

    driver.change = unchanged
    ros.wait_until(lambda: ask(ros).success, "recovered")
    assert node.active


def test_a_fault_is_on_rosout_before_anybody_asks(ros: Ros) -> None:
    Driver(ros, depth_an_hour_late)
    ros.start(AffordanceNode)
    ros.wait_for_log("camera: stamps never match")


def test_a_silent_camera_is_named(ros: Ros) -> None:
    ros.start(AffordanceNode, cell=ros.cell({"camera.timeout": 0.1}, ""))
    answer = ask(ros)
    assert causes(answer) == ["no_frame"]
    assert "is the camera running, and does it publish camera/camera/color" in answer.message


@pytest.mark.parametrize("why", ["a box in the base frame", "points to avoid"])
def test_a_missing_transform_is_named_where_it_is_needed(ros: Ros, why: str) -> None:
    Driver(ros, unchanged)
    box: dict[str, Any] = {"cell": "sim"} if "box" in why else {}
    node = ros.start(AffordanceNode, **box)
    avoid = [] if box else [Point()]
    said = "TransformError: no transform from 'camera_color_optical_frame' to 'base'"
    answer = ask_until(ros, said, avoid=avoid)
    assert causes(answer) == ["no_transform"]
    ros.wait_for_log(said)
    assert node.active


def test_a_question_right_after_the_start_waits_for_a_pose_that_comes_a_little_later(
    ros: Ros,
) -> None:
    Driver(ros, unchanged)
    ros.start(AffordanceNode, cell=ros.cell({"camera.timeout": TIMEOUT}))
    node = ros.node
    pose = node.create_publisher(TransformStamped, f"{CAMERA}/{topics.CAMERA_POSE}", topics.LATCHED)
    message = TransformStamped(
        header=Header(frame_id="base"),
        child_frame_id="camera_color_optical_frame",
        transform=to_transform_msg(T_BASE_CAMERA),
    )
    threading.Timer(1.0, pose.publish, (message,)).start()
    answer = ask(ros)
    assert answer.success, answer.message


def test_points_are_given_in_the_camera_frame_alone_where_no_pose_is_needed(ros: Ros) -> None:
    Driver(ros, unchanged)
    ros.start(AffordanceNode)
    ros.wait_until(lambda: ask(ros).success, "answered")
    assert not any(point.in_base for point in ask(ros).points)


def checkpoint_of_another_architecture(folder: Path) -> Path:
    path = folder / "other.safetensors"
    write_checkpoint(path, Checkpoint("transformer_9000", {}, {"w": torch.zeros(3)}))
    return path


def truncated_checkpoint(folder: Path) -> Path:
    path = checkpoint_of_another_architecture(folder)
    path.write_bytes(path.read_bytes()[:-5])
    return path


def a_text_file(folder: Path) -> Path:
    path = folder / "weights.pt"
    path.write_text("not weights")
    return path


BAD_CHECKPOINTS = pytest.mark.parametrize(
    ("make", "said"),
    [
        (checkpoint_of_another_architecture, "architecture 'transformer_9000'"),
        (truncated_checkpoint, "truncated or not a safetensors file"),
        (a_text_file, "truncated or not a safetensors file"),
        (lambda folder: folder / "absent", "does not exist"),
    ],
    ids=["another architecture", "truncated", "a text file", "absent"],
)


@BAD_CHECKPOINTS
def test_a_bad_checkpoint_is_refused_and_the_prior_goes_on_serving(
    ros: Ros, tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    Driver(ros, unchanged)
    node = ros.start(AffordanceNode)
    request = LoadModel.Request(path=str(make(tmp_path)))
    answer = ros.client.call(LoadModel, "/affordance_node/load_model", request)
    assert not answer.success
    assert said in answer.message
    assert answer.message.startswith("CheckpointError: ")
    assert "the prior stays" in answer.message
    ros.wait_for_log(said)
    assert node.active
    ros.wait_until(lambda: ask(ros).success, "answered")


@BAD_CHECKPOINTS
def test_a_bad_announced_checkpoint_is_named_on_rosout(
    ros: Ros, tmp_path: Path, make: Callable[[Path], Path], said: str
) -> None:
    trainer = ros.node.create_publisher(ModelAnnouncement, "model", topics.LATCHED)
    trainer.publish(ModelAnnouncement(path=str(make(tmp_path)), version="v1", reason="promoted"))
    node = ros.start(AffordanceNode)
    ros.wait_for_log(said)
    assert node.active


def test_a_bad_checkpoint_at_the_start_leaves_the_node_unconfigured_and_named(
    ros: Ros, tmp_path: Path
) -> None:
    node = ros.start(AffordanceNode, checkpoint=str(truncated_checkpoint(tmp_path)))
    ros.wait_for_log("truncated or not a safetensors file")
    assert not node.active
    ros.client.set_parameters("/affordance_node", {"checkpoint": ""})
    node.autostart()
    assert node.active


def test_an_unreadable_reference_of_the_empty_bin_is_named(ros: Ros, tmp_path: Path) -> None:
    node = ros.start(AffordanceNode, cell=ros.cell({"camera.empty": "absent"}, ""))
    ros.wait_for_log("SequenceError")
    assert not node.active
