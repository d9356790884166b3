"""A recording comes out as realsense2_camera would publish it."""

import queue
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import TransformStamped
from helpers.ros_harness import TIMEOUT, Ros
from helpers.ros_scenes import CAMERA, T_BASE_CAMERA, box_frame
from sensor_msgs.msg import CameraInfo, Image

from grasp_affordance.messages.images import from_rgbd_msgs
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.camera.camera_node import CameraNode
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import from_transform_msg


def listen(ros: Ros) -> list["queue.Queue[Any]"]:
    return [
        ros.listen(kind, f"{CAMERA}/{topic}", topics.IMAGE_SUBSCRIPTION)
        for kind, topic in (
            (Image, "color/image_raw"),
            (Image, "aligned_depth_to_color/image_raw"),
            (CameraInfo, "color/camera_info"),
        )
    ]


def receive(queues: list["queue.Queue[Any]"]) -> RgbdFrame:
    return from_rgbd_msgs(*(each.get(timeout=TIMEOUT) for each in queues))


def test_frames_arrive_unchanged_in_order_and_again_from_the_start(
    ros: Ros, sequence: Path
) -> None:
    queues = listen(ros)
    ros.start(CameraNode, recording=str(sequence), rate=20.0, keep_stamps=True)
    frames = [receive(queues) for _ in range(6)]
    stamps = [frame.stamp_ns for frame in frames]
    first = stamps.index(10**9)
    assert stamps[first : first + 4] == [10**9, 2 * 10**9, 10**9, 2 * 10**9]
    np.testing.assert_array_equal(frames[first].color, box_frame(2).color)
    np.testing.assert_allclose(frames[first].depth, box_frame(2).depth, atol=1e-6)
    assert frames[first].frame_id == "camera_color_optical_frame"


def test_stamps_are_the_present_unless_the_recorded_ones_are_wanted(
    ros: Ros, sequence: Path
) -> None:
    queues = listen(ros)
    began = ros.node.get_clock().now().nanoseconds
    ros.start(CameraNode, recording=str(sequence), rate=20.0)
    assert receive(queues).stamp_ns > began


def test_the_pose_of_the_camera_reaches_late_subscribers(ros: Ros, sequence: Path) -> None:
    cell = ros.cell({"base_frame": "robot"}, "")
    ros.start(CameraNode, recording=str(sequence), cell=cell)
    pose = ros.listen(TransformStamped, f"{CAMERA}/base_camera", topics.LATCHED)
    message = pose.get(timeout=TIMEOUT)
    assert (message.header.frame_id, message.child_frame_id) == (
        "robot",
        "camera_color_optical_frame",
    )
    np.testing.assert_allclose(from_transform_msg(message.transform), T_BASE_CAMERA, atol=1e-9)


def test_depth_in_millimetres_is_what_realsense_would_send(ros: Ros, sequence: Path) -> None:
    depth = ros.listen(
        Image, f"{CAMERA}/aligned_depth_to_color/image_raw", topics.IMAGE_SUBSCRIPTION
    )
    ros.start(CameraNode, recording=str(sequence), rate=20.0, depth_encoding="16UC1")
    message = depth.get(timeout=TIMEOUT)
    assert message.encoding == "16UC1"
    assert np.frombuffer(message.data, np.uint16).max() == 800


def test_playback_ends_where_looping_is_off(ros: Ros, sequence: Path) -> None:
    node = ros.start(CameraNode, recording=str(sequence), rate=50.0, loop=False)
    ros.wait_for_log("is at its end")
    assert node.active


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({}, "SequenceError: the parameter 'recording' is not set"),
        ({"recording": "/nowhere"}, "SequenceError: /nowhere does not exist"),
        ({"recording": "/tmp", "rate": 0.0}, "ConfigError: rate 0.0"),
        ({"recording": "/tmp", "speed": 2.0}, "ParametersError: unknown parameter speed of"),
    ],
)
def test_a_wrong_parameter_is_named_and_the_node_waits_for_a_better_one(
    ros: Ros, sequence: Path, parameters: dict[str, Any], said: str
) -> None:
    node = ros.start(CameraNode, **parameters)
    ros.wait_for_log(said)
    assert not node.active
    if "speed" not in parameters:
        ros.client.set_parameters("/camera_node", {"recording": str(sequence), "rate": 20.0})
        queues = listen(ros)
        node.autostart()
        assert node.active
        receive(queues)


def test_an_invalid_change_of_a_parameter_is_refused_with_the_reason(
    ros: Ros, sequence: Path
) -> None:
    from grasp_affordance.ros.common.client import CallError

    ros.start(CameraNode, autostart=False, recording=str(sequence))
    with pytest.raises(CallError, match=r"rate -1\.0 is not a number of frames"):
        ros.client.set_parameters("/camera_node", {"rate": -1.0})


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("0001.depth.png", None, "0001.depth.png is not a whole PNG"),
        (
            "0001.color.png",
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes([0, 1, 0, 0] * 2),
            "65536x65536",
        ),
        ("0001.frame.json", b"[" * 200_000, "nested too deeply"),
        ("0001.frame.json", b'{"stamp_ns": Infinity}', "Infinity is not finite"),
    ],
)
def test_a_broken_frame_is_named_and_the_others_are_played(
    ros: Ros, sequence: Path, file: str, content: bytes | None, said: str
) -> None:
    shutil.copy(sequence / "0001.color.png", sequence / "0002.color.png")
    shutil.copy(sequence / "0001.depth.png", sequence / "0002.depth.png")
    path = sequence / file
    path.write_bytes(path.read_bytes()[:100] if content is None else content)
    queues = listen(ros)
    node = ros.start(CameraNode, recording=str(sequence), rate=50.0)
    ros.wait_for_log(said)
    for _ in range(3):
        receive(queues)
    assert node.active


def test_a_paused_node_is_silent_and_goes_on(ros: Ros, sequence: Path) -> None:
    queues = listen(ros)
    node = ros.start(CameraNode, recording=str(sequence), rate=50.0)
    receive(queues)
    node.trigger_deactivate()
    assert node._timer.is_canceled()
    for messages in queues:
        while not messages.empty():
            messages.get()
    node.trigger_activate()
    receive(queues)
