"""RGB-D frames of a rosbag2 recording (SQLite or MCAP), read with rosbags."""

import sqlite3
import struct
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag2 import ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_typestore

from grasp_affordance.arrays import Array
from grasp_affordance.errors import ConfigError, FrameError, GeometryError, SequenceError
from grasp_affordance.geometry import from_quaternion, invert
from grasp_affordance.messages.images import (
    MILLIMETRE,
    check_depth_unit,
    from_rgbd_msgs,
    is_rectified,
    stamp_ns_of,
)
from grasp_affordance.messages.synchroniser import Synchroniser, SynchroniserConfig
from grasp_affordance.rgbd import RgbdFrame

# What rosbags lets through for a file that is not, or not wholly, a recording.
_UNREADABLE = (
    AnyReaderError, ReaderError, SerdeError, OSError, sqlite3.Error, struct.error, AssertionError
)  # fmt: skip


@dataclass(frozen=True)
class BagTopics:
    """Where a bag's frames are; by default as realsense2_camera names them.

    Attributes:
        color: topic of the color image; where the bag lacks it, its `/compressed` is taken.
        depth: topic of the depth image aligned to color; else its `/compressedDepth`.
        info: topic of the color image's CameraInfo.
        tolerance: largest difference between the stamps of color and depth, seconds.
        depth_unit: metres per count of a 16-bit depth image.
        trust_depth_frame: take the depth as aligned although its header names another frame than
            the color's; some drivers stamp it so.
    """

    color: str = "/camera/camera/color/image_raw"
    depth: str = "/camera/camera/aligned_depth_to_color/image_raw"
    info: str = "/camera/camera/color/camera_info"
    tolerance: float = 0.02
    depth_unit: float = MILLIMETRE
    trust_depth_frame: bool = False

    def __post_init__(self) -> None:
        if not self.tolerance >= 0:
            raise ConfigError(f"tolerance {self.tolerance} s is negative")
        check_depth_unit(self.depth_unit)


class BagRecording:
    """A rosbag2.

    Raises:
        SequenceError: the bag cannot be opened, lacks one of the topics, or holds no frame.
    """

    def __init__(self, folder: Path, topics: BagTopics) -> None:
        self.folder = folder
        with self._opened() as reader:
            kinds = {connection.topic: connection.msgtype for connection in reader.connections}
            topics = self._topics = _with_transport(topics, kinds)
            names, present = {topics.color, topics.depth, topics.info}, set(kinds)
            if names - present:
                raise SequenceError(
                    f"{folder} has no topic {', '.join(sorted(names - present))}; it has "
                    f"{', '.join(sorted(present))}: name its topics (parameters bag.* of a node, "
                    "flags --topics.* of a command)"
                )
            _check_kinds(topics, kinds)
            self._static = [
                transform
                for _, message in _messages(reader, ("/tf_static",))
                for transform in message.transforms
            ]
        self._frame_id = next(self.frames()).frame_id

    def frames(self) -> Iterator[RgbdFrame]:
        """Yield every pair of color and depth whose stamps agree, under the last CameraInfo.

        Raises:
            SequenceError: what follows cannot be read, or there was no such pair.
        """
        topics = self._topics
        images = Synchroniser((topics.color, topics.depth), SynchroniserConfig(topics.tolerance))
        found = False
        with self._opened() as reader:
            # The first image may come before the first CameraInfo.
            info = next((message for _, message in _messages(reader, (topics.info,))), None)
            if info is None:
                raise SequenceError(f"{self.folder} holds no message on {topics.info}")
            for topic, message in _messages(reader, (topics.color, topics.depth, topics.info)):
                if topic == topics.info:
                    info = message
                    continue
                matched = images.add(topic, stamp_ns_of(message.header.stamp), message)
                if matched:
                    found = True
                    color, depth = matched
                    yield from_rgbd_msgs(
                        color,
                        depth,
                        info,
                        is_rectified(topics.color),
                        depth_unit=topics.depth_unit,
                        trust_depth_frame=topics.trust_depth_frame,
                    )
        if not found:
            why = images.problem() or "a topic has too few messages"
            raise SequenceError(f"{self.folder} holds no RGB-D frame: {why}")

    def T_base_camera(self, base_frame_id: str) -> Array | None:
        """Return the pose (4, 4) composed from the bag's `/tf_static`; None if it does not say."""
        poses = {base_frame_id: np.eye(4)}
        for _ in self._static:  # a chain is at most as long as there are transforms
            for message in self._static:
                t, q = message.transform.translation, message.transform.rotation
                T = from_quaternion(np.array([t.x, t.y, t.z]), [q.x, q.y, q.z, q.w])
                parent, child = message.header.frame_id, message.child_frame_id
                if parent in poses and child not in poses:
                    poses[child] = poses[parent] @ T
                elif child in poses and parent not in poses:
                    poses[parent] = poses[child] @ invert(T)
        return poses.get(self._frame_id)

    @contextmanager
    def _opened(self) -> Iterator[AnyReader]:
        """Open the bag; whatever is wrong with its files becomes a SequenceError."""
        _refuse_ros1(self.folder)
        try:
            # Bags of ROS 2 before Iron carry no message definitions of their own.
            store = get_typestore(Stores.ROS2_JAZZY)
            with AnyReader([self.folder], default_typestore=store) as reader:
                yield reader
        except _UNREADABLE as error:
            raise SequenceError(
                f"{self.folder} cannot be read ({type(error).__name__}: {error}); check it with "
                "`ros2 bag info`, repair it with `ros2 bag reindex`, or record again"
            ) from error
        except (FrameError, GeometryError) as error:
            raise SequenceError(f"{self.folder}: {error}") from error


def _with_transport(topics: BagTopics, present: Collection[str]) -> BagTopics:
    """Name the compressed topics of image_transport where a bag has no raw ones."""

    def found(name: str, *transports: str) -> str:
        names = (name, *(f"{name}/{transport}" for transport in transports))
        return next((each for each in names if each in present), name)

    color = found(topics.color, "compressed")
    return replace(topics, color=color, depth=found(topics.depth, "compressedDepth", "compressed"))


def _check_kinds(topics: BagTopics, kinds: Mapping[str, str]) -> None:
    """Raise SequenceError where a topic holds something else than images or a CameraInfo."""
    images = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
    for topic, usable in (
        (topics.color, images),
        (topics.depth, images),
        (topics.info, ("sensor_msgs/msg/CameraInfo",)),
    ):
        if kinds[topic] not in usable:
            raise SequenceError(f"{topic} holds {kinds[topic]}, not {' or '.join(usable)}")


def _messages(reader: AnyReader, names: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield topic and message of the named topics, in the order of recording."""
    connections = [c for c in reader.connections if c.topic in names]
    if not connections:
        return
    for connection, _, data in reader.messages(connections):
        yield connection.topic, reader.deserialize(data, connection.msgtype)


def _refuse_ros1(path: Path) -> None:
    """Refuse a bag of ROS 1, whose messages have other fields.

    Raises:
        SequenceError: says how to convert it.
    """
    old = [path] if path.suffix == ".bag" else sorted(path.glob("*.bag"))
    if old and not (path / "metadata.yaml").exists():
        raise SequenceError(
            f"{old[0]} is a bag of ROS 1; convert it: `rosbags-convert --src {old[0]} --dst "
            f"{old[0].with_suffix('')}`, then give that folder"
        )
