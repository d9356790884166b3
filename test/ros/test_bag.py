"""rosbag2 recordings, SQLite and MCAP, play back as the frames that were recorded."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ros_harness import Ros
from ros_scenes import CAMERA, T_BASE_CAMERA, box_frame
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from grasp_affordance.errors import SequenceError
from grasp_affordance.geometry import to_quaternion
from grasp_affordance.ros.bag import BagRecording, BagTopics
from grasp_affordance.ros.camera_node import CameraNode
from grasp_affordance.ros.recording import open_recording

STORE = get_typestore(Stores.ROS2_JAZZY)
T = STORE.types
TOPICS = {
    f"{CAMERA}/color/image_raw": "sensor_msgs/msg/Image",
    f"{CAMERA}/aligned_depth_to_color/image_raw": "sensor_msgs/msg/Image",
    f"{CAMERA}/color/camera_info": "sensor_msgs/msg/CameraInfo",
}


def header(stamp_ns: int, frame_id: str = "eye") -> Any:
    time = T["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
    return T["std_msgs/msg/Header"](time, frame_id)


def image(stamp_ns: int, array: np.ndarray, encoding: str) -> Any:
    height, width = array.shape[:2]
    data = array.view(np.uint8).ravel()
    return T["sensor_msgs/msg/Image"](
        header(stamp_ns), height, width, encoding, 0, array.strides[0], data
    )


def messages(stamp_ns: int, depth_delay_ns: int) -> list[Any]:
    frame = box_frame()
    k = frame.intrinsics.matrix
    roi = T["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    info = T["sensor_msgs/msg/CameraInfo"](
        header(stamp_ns), 240, 320, "plumb_bob", np.zeros(5), k.ravel(), np.eye(3).ravel(),
        np.hstack([k, np.zeros((3, 1))]).ravel(), 0, 0, roi,
    )  # fmt: skip
    millimetres = (frame.depth * 1000).round().astype(np.uint16)
    return [
        image(stamp_ns, frame.color, "rgb8"),
        image(stamp_ns + depth_delay_ns, millimetres, "16UC1"),
        info,
    ]


def static_transforms() -> Any:
    """base_link -> mount -> eye: the pose is the product of two."""
    mount, rest = np.eye(4), np.array(T_BASE_CAMERA)
    mount[:3, 3] = [0.0, 0.0, 0.5]
    rest[:3, 3] -= mount[:3, 3]
    transforms = []
    for parent, child, pose in (("mount", "eye", rest), ("base_link", "mount", mount)):
        translation = T["geometry_msgs/msg/Vector3"](*pose[:3, 3])
        rotation = T["geometry_msgs/msg/Quaternion"](*to_quaternion(pose))
        transform = T["geometry_msgs/msg/Transform"](translation, rotation)
        stamped = T["geometry_msgs/msg/TransformStamped"]
        transforms.append(stamped(header(0, parent), child, transform))
    return T["tf2_msgs/msg/TFMessage"](transforms)


def record(
    folder: Path,
    plugin: StoragePlugin = StoragePlugin.SQLITE3,
    frames: int = 3,
    depth_delay_ns: int = 0,
) -> Path:
    with Writer(folder, version=9, storage_plugin=plugin) as writer:
        connections = [writer.add_connection(*item, typestore=STORE) for item in TOPICS.items()]
        static = writer.add_connection("/tf_static", "tf2_msgs/msg/TFMessage", typestore=STORE)
        writer.write(static, 1, STORE.serialize_cdr(static_transforms(), static.msgtype))
        for i in range(1, frames + 1):
            for connection, message in zip(
                connections, messages(i * 10**9, depth_delay_ns), strict=True
            ):
                data = STORE.serialize_cdr(message, connection.msgtype)
                writer.write(connection, i * 10**9, data)
    return folder


@pytest.mark.parametrize("plugin", list(StoragePlugin))
def test_a_bag_holds_the_frames_and_the_pose_that_were_recorded(
    tmp_path: Path, plugin: StoragePlugin
) -> None:
    recording = open_recording(record(tmp_path / "bag", plugin), BagTopics())
    frames = list(recording.frames())
    assert [frame.stamp_ns for frame in frames] == [10**9, 2 * 10**9, 3 * 10**9]
    np.testing.assert_array_equal(frames[0].color, box_frame().color)
    np.testing.assert_allclose(frames[0].depth, box_frame().depth, atol=0.0006)
    pose = recording.T_base_camera("base_link")
    assert pose is not None
    np.testing.assert_allclose(pose, T_BASE_CAMERA, atol=1e-9)
    assert recording.T_base_camera("another_robot") is None


def test_the_camera_node_plays_a_bag(ros: Ros, tmp_path: Path) -> None:
    node = ros.start(CameraNode, recording=str(record(tmp_path / "bag")), rate=50.0, loop=False)
    ros.wait_for_log("is at its end")
    assert node.active


def test_a_missing_topic_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    folder = record(tmp_path / "bag")
    with pytest.raises(SequenceError, match=r"has no topic /depth; it has .*aligned_depth"):
        BagRecording(folder, BagTopics(depth="/depth"))


def test_a_bag_whose_stamps_never_match_is_named(tmp_path: Path) -> None:
    folder = record(tmp_path / "bag", frames=6, depth_delay_ns=500_000_000)
    with pytest.raises(SequenceError, match=r"holds no RGB-D frame: stamps never match"):
        BagRecording(folder, BagTopics())


@pytest.mark.parametrize("plugin", list(StoragePlugin))
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_bag_is_a_named_error(
    ros: Ros, tmp_path: Path, plugin: StoragePlugin, share: float
) -> None:
    folder = record(tmp_path / "bag", plugin)
    (data,) = [path for path in folder.iterdir() if path.suffix in (".db3", ".mcap")]
    data.write_bytes(data.read_bytes()[: int(data.stat().st_size * share)])
    with pytest.raises(SequenceError, match="cannot be read"):
        list(open_recording(folder, BagTopics()).frames())
    node = ros.start(CameraNode, recording=str(folder))
    ros.wait_for_log("SequenceError: ")
    assert not node.active


def test_a_bag_without_its_metadata_is_a_named_error(tmp_path: Path) -> None:
    folder = record(tmp_path / "bag")
    (folder / "metadata.yaml").write_text("nonsense: [")
    with pytest.raises(SequenceError, match="cannot be read"):
        open_recording(folder, BagTopics())
    (folder / "metadata.yaml").unlink()
    with pytest.raises(SequenceError, match=r"neither camera\.json nor"):
        open_recording(folder, BagTopics())
