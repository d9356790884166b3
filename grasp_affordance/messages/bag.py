"""RGB-D frames of a rosbag2 recording (SQLite or MCAP), read with rosbags."""

import sqlite3
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag2 import ReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_typestore

from grasp_affordance.errors import ConfigError, FrameError, GeometryError, SequenceError
from grasp_affordance.geometry import from_quaternion, invert
from grasp_affordance.messages.images import from_rgbd_msgs, is_rectified, stamp_ns_of
from grasp_affordance.messages.synchroniser import Synchroniser, SynchroniserConfig
from grasp_affordance.rgbd import RgbdFrame

Array = NDArray[np.float64]

# What rosbags lets through for a file that is not, or not wholly, a recording.
_UNREADABLE = (
    AnyReaderError, ReaderError, SerdeError, OSError, sqlite3.Error, struct.error, AssertionError
)  # fmt: skip


@dataclass(frozen=True)
class BagTopics:
    """Where a bag's frames are; by default as realsense2_camera names them.

    Attributes:
        color: topic of the color image.
        depth: topic of the depth image aligned to color.
        info: topic of the color image's CameraInfo.
        tolerance: largest difference between the stamps of color and depth, seconds.
    """

    color: str = "/camera/camera/color/image_raw"
    depth: str = "/camera/camera/aligned_depth_to_color/image_raw"
    info: str = "/camera/camera/color/camera_info"
    tolerance: float = 0.02

    def __post_init__(self) -> None:
        if not self.tolerance >= 0:
            raise ConfigError(f"tolerance {self.tolerance} s is negative")


class BagRecording:
    """A rosbag2.

    Raises:
        SequenceError: the bag cannot be opened, lacks one of the topics, or holds no frame.
    """

    def __init__(self, folder: Path, topics: BagTopics) -> None:
        self.folder = folder
        self._topics = topics
        names = {topics.color, topics.depth, topics.info}
        with self._opened() as reader:
            present = {connection.topic for connection in reader.connections}
            if names - present:
                raise SequenceError(
                    f"{folder} has no topic {', '.join(sorted(names - present))}; it has "
                    f"{', '.join(sorted(present))}: name its topics (parameters bag.* of a node, "
                    "flags --topics.* of a command)"
                )
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
                    yield from_rgbd_msgs(color, depth, info, is_rectified(topics.color))
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


def _messages(reader: AnyReader, names: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield topic and message of the named topics, in the order of recording."""
    connections = [c for c in reader.connections if c.topic in names]
    if not connections:
        return
    for connection, _, data in reader.messages(connections):
        yield connection.topic, reader.deserialize(data, connection.msgtype)
