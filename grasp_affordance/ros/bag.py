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

from grasp_affordance.errors import FrameError, SequenceError
from grasp_affordance.geometry import invert
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros import topics
from grasp_affordance.ros.conversions import from_time_msg, from_transform_msg
from grasp_affordance.ros.images import from_rgbd_msgs
from grasp_affordance.ros.synchroniser import Synchroniser, SynchroniserConfig

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
        tolerance: largest difference between the stamps of one frame's messages, seconds.
    """

    color: str = f"/{topics.CAMERA}/{topics.COLOR}"
    depth: str = f"/{topics.CAMERA}/{topics.ALIGNED_DEPTH}"
    info: str = f"/{topics.CAMERA}/{topics.COLOR_INFO}"
    tolerance: float = 0.02


class BagRecording:
    """A rosbag2.

    Raises:
        SequenceError: the bag cannot be opened, lacks one of the topics, or holds no frame.
    """

    def __init__(self, folder: Path, bag_topics: BagTopics) -> None:
        self.folder = folder
        self._topics = bag_topics
        names = (bag_topics.color, bag_topics.depth, bag_topics.info)
        with self._opened() as reader:
            present = {connection.topic for connection in reader.connections}
            if set(names) - present:
                raise SequenceError(
                    f"{folder} has no topic {', '.join(sorted(set(names) - present))}; it has "
                    f"{', '.join(sorted(present))}: name its topics with the parameters bag.*"
                )
            self._static = [
                transform
                for _, message in _messages(reader, ("/tf_static",))
                for transform in message.transforms
            ]
        self._frame_id = next(self.frames()).frame_id

    def frames(self) -> Iterator[RgbdFrame]:
        """Yield every set of color, depth and info whose stamps agree."""
        names = (self._topics.color, self._topics.depth, self._topics.info)
        synchroniser = Synchroniser(names, SynchroniserConfig(self._topics.tolerance))
        found = False
        with self._opened() as reader:
            for topic, message in _messages(reader, names):
                matched = synchroniser.add(topic, from_time_msg(message.header.stamp), message)
                if matched:
                    found = True
                    yield from_rgbd_msgs(*matched)
        if not found:
            why = synchroniser.problem() or "a topic has too few messages"
            raise SequenceError(f"{self.folder} holds no RGB-D frame: {why}")

    def T_base_camera(self, base_frame_id: str) -> Array | None:
        """Return the pose (4, 4) composed from the bag's `/tf_static`; None if it does not say."""
        poses = {base_frame_id: np.eye(4)}
        for _ in self._static:  # a chain is at most as long as there are transforms
            for message in self._static:
                T = from_transform_msg(message.transform)
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
        except FrameError as error:
            raise SequenceError(f"{self.folder}: {error}") from error


def _messages(reader: AnyReader, names: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Yield topic and message of the named topics, in the order of recording."""
    connections = [c for c in reader.connections if c.topic in names]
    if not connections:
        return
    for connection, _, data in reader.messages(connections):
        yield connection.topic, reader.deserialize(data, connection.msgtype)
