from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotation_scenes import INTRINSICS, Block, frame
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from grasp_affordance.annotation.bag_frames import BagTopics, bag_frames
from grasp_affordance.cli import main
from grasp_affordance.errors import SequenceError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sequence import Sequence

STORE = get_typestore(Stores.ROS2_JAZZY)
TOPICS = BagTopics()
LOG = Block(160, 120, length=70, width=24, angle=0.4)


def header(stamp_ns: int) -> Any:
    time = STORE.types["builtin_interfaces/msg/Time"](stamp_ns // 10**9, stamp_ns % 10**9)
    return STORE.types["std_msgs/msg/Header"](time, "camera_color_optical_frame")


def image(array: np.ndarray, encoding: str, stamp_ns: int) -> Any:
    height, width = array.shape[:2]
    step = array[0].nbytes
    data = np.frombuffer(array.tobytes(), np.uint8)
    kind = STORE.types["sensor_msgs/msg/Image"]
    return kind(header(stamp_ns), height, width, encoding, 0, step, data)


def info(stamp_ns: int) -> Any:
    k = INTRINSICS.matrix.ravel()
    roi = STORE.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    projection = np.zeros(12)
    kind = STORE.types["sensor_msgs/msg/CameraInfo"]
    distortion, rectification = np.zeros(5), np.eye(3).ravel()
    return kind(
        header(stamp_ns), 240, 320, "plumb_bob", distortion, k, rectification, projection, 0, 0, roi
    )


def write_bag(path: Path, frames: list[RgbdFrame], storage: StoragePlugin, lag: int = 0) -> None:
    """Write frames as a driver publishes them: depth in millimetres, `lag` ns after color."""
    kinds = {TOPICS.color: "Image", TOPICS.depth: "Image", TOPICS.info: "CameraInfo"}
    with Writer(path, version=9, storage_plugin=storage) as writer:
        to = {
            topic: writer.add_connection(topic, f"sensor_msgs/msg/{kind}", typestore=STORE)
            for topic, kind in kinds.items()
        }
        for number, view in enumerate(frames):
            stamp = number * 33_000_000
            millimetres = np.nan_to_num(np.round(view.depth * 1000)).astype(np.uint16)
            messages = {
                TOPICS.info: info(stamp),
                TOPICS.color: image(view.color[..., ::-1], "bgr8", stamp),
                TOPICS.depth: image(millimetres, "16UC1", stamp + lag),
            }
            for topic, message in messages.items():
                data = STORE.serialize_cdr(message, to[topic].msgtype)
                writer.write(to[topic], stamp, data)


def noisy(*blocks: Block, seed: int) -> RgbdFrame:
    return frame(*blocks, rng=np.random.default_rng(seed), holes=0.02)


@pytest.mark.parametrize("storage", [StoragePlugin.SQLITE3, StoragePlugin.MCAP])
def test_frames_come_out_of_a_bag_as_they_went_in(storage: StoragePlugin, tmp_path: Path) -> None:
    written = [noisy(LOG, seed=seed) for seed in range(3)]
    write_bag(tmp_path / "bag", written, storage, lag=5_000_000)
    read = list(bag_frames(tmp_path / "bag", TOPICS))
    assert [view.stamp_ns for view in read] == [0, 33_000_000, 66_000_000]
    for view, original in zip(read, written, strict=True):
        np.testing.assert_array_equal(view.color, original.color)
        np.testing.assert_allclose(view.depth, original.depth, atol=0.0006)
        assert view.intrinsics == INTRINSICS


def test_images_too_far_apart_in_time_make_no_frame(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", [noisy(seed=0)], StoragePlugin.MCAP, lag=25_000_000)
    assert list(bag_frames(tmp_path / "bag", TOPICS)) == []


def test_a_bag_becomes_a_sequence(tmp_path: Path) -> None:
    still = [noisy(LOG, seed=seed) for seed in range(20)]
    gone = [noisy(seed=seed) for seed in range(20, 40)]
    write_bag(tmp_path / "bag", still + gone, StoragePlugin.MCAP)
    output = tmp_path / "kept"
    assert main(["record", str(tmp_path / "bag"), "--output", str(output), "--rest", "0.3"]) == 0
    assert len(Sequence(output)) == 2


def test_a_missing_topic_and_a_broken_bag_are_named(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", [noisy(seed=0)], StoragePlugin.MCAP)
    with pytest.raises(SequenceError, match="no topic /other"):
        list(bag_frames(tmp_path / "bag", BagTopics(color="/other")))
    recording = next((tmp_path / "bag").glob("*.mcap"))
    recording.write_bytes(recording.read_bytes()[:1000])
    with pytest.raises(SequenceError, match="cannot be read"):
        list(bag_frames(tmp_path / "bag", TOPICS))
    with pytest.raises(SequenceError, match="cannot be read"):
        list(bag_frames(tmp_path / "none", TOPICS))
