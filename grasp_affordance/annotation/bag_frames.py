"""RGB-D frames of a rosbag2 (SQLite or MCAP) without ROS, read with rosbags."""

import sqlite3
import struct
from collections.abc import Iterator
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
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame, color_as_rgb, depth_in_metres

_UNREADABLE = (
    AnyReaderError, ReaderError, SerdeError, OSError, sqlite3.Error, struct.error, AssertionError
)  # fmt: skip
_TYPES = {"16UC1": np.uint16, "mono16": np.uint16, "32FC1": np.float32}


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
        if self.tolerance < 0:
            raise ConfigError(f"tolerance {self.tolerance} s is negative")


def bag_frames(bag: Path, topics: BagTopics) -> Iterator[RgbdFrame]:
    """Yield the frames of a bag in the order of recording.

    Raises:
        SequenceError: the bag cannot be read, lacks a topic, or its images make no frames.
    """
    store = get_typestore(Stores.ROS2_JAZZY)  # bags before Iron carry no definitions
    try:
        with AnyReader([bag], default_typestore=store) as reader:
            names = (topics.color, topics.depth, topics.info)
            present = {connection.topic for connection in reader.connections}
            missing = sorted(set(names) - present)
            if missing:
                raise SequenceError(
                    f"{bag} has no topic {', '.join(missing)}; it has "
                    f"{', '.join(sorted(present))}: name its topics with --topics.*"
                )
            connections = [c for c in reader.connections if c.topic in names]
            messages = (
                (connection.topic, reader.deserialize(data, connection.msgtype))
                for connection, _, data in reader.messages(connections)
            )
            yield from _matched(messages, topics)
    except _UNREADABLE as error:
        raise SequenceError(
            f"{bag} cannot be read as a rosbag2 ({type(error).__name__}: {error})"
        ) from error
    except (FrameError, GeometryError) as error:
        raise SequenceError(f"{bag}: {error}") from error


def _matched(messages: Iterator[tuple[str, Any]], topics: BagTopics) -> Iterator[RgbdFrame]:
    """Pair each depth image with the color image nearest in time, under the last CameraInfo."""
    waiting: dict[str, list[Any]] = {topics.color: [], topics.depth: []}
    intrinsics: Intrinsics | None = None
    for topic, message in messages:
        if topic == topics.info:
            k = message.k
            intrinsics = Intrinsics(k[0], k[4], k[2], k[5], message.width, message.height)
            continue
        other = waiting[topics.depth if topic == topics.color else topics.color]
        gaps = [abs(_stamp(message) - _stamp(earlier)) for earlier in other]
        if intrinsics is not None and gaps and min(gaps) <= topics.tolerance * 1e9:
            partner = other[int(np.argmin(gaps))]
            color, depth = (message, partner) if topic == topics.color else (partner, message)
            waiting = {topics.color: [], topics.depth: []}
            yield _frame(color, depth, intrinsics)
        else:
            waiting[topic] = [*waiting[topic][-4:], message]  # partners come within a few frames


def _frame(color: Any, depth: Any, intrinsics: Intrinsics) -> RgbdFrame:
    return RgbdFrame(
        color_as_rgb(_image(color), color.encoding),
        depth_in_metres(_image(depth), depth.encoding),
        intrinsics,
        stamp_ns=_stamp(color),
        frame_id=color.header.frame_id,
    )


def _image(message: Any) -> NDArray[Any]:
    """Return the pixels (H, W) or (H, W, C) of an image message."""
    kind = np.dtype(_TYPES.get(message.encoding, np.uint8))
    kind = kind.newbyteorder(">" if message.is_bigendian else "<")
    if message.step * message.height > message.data.size or message.step % kind.itemsize:
        raise FrameError(f"an image of {message.width}x{message.height} lacks data")
    rows = np.ascontiguousarray(message.data[: message.step * message.height]).view(kind)
    channels = {"mono8": 1, "rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4}.get(message.encoding, 1)
    rows = rows.reshape(message.height, -1)[:, : message.width * channels]
    image = rows.reshape(message.height, message.width, channels)
    return (image[..., 0] if channels == 1 else image).astype(kind.newbyteorder("="))


def _stamp(message: Any) -> int:
    return int(message.header.stamp.sec) * 10**9 + int(message.header.stamp.nanosec)
