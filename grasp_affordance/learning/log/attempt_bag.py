"""An attempt log as a rosbag2 (SQLite or MCAP), for the tools of others; no ROS is needed."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from grasp_affordance.files import new_folder
from grasp_affordance.geometry import to_quaternion
from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.learning.log.attempt_codec import to_json
from grasp_affordance.learning.log.attempt_log import AttemptLogError
from grasp_affordance.rgbd import RgbdFrame

STORAGES = {"mcap": StoragePlugin.MCAP, "rosbag2": StoragePlugin.SQLITE3}

# As realsense2_camera names them, so that what plays its recordings plays these.
_CAMERA = "/camera/camera"
_TOPICS = {
    "color": (f"{_CAMERA}/color/image_raw", "sensor_msgs/msg/Image"),
    "depth": (f"{_CAMERA}/aligned_depth_to_color/image_raw", "sensor_msgs/msg/Image"),
    "info": (f"{_CAMERA}/color/camera_info", "sensor_msgs/msg/CameraInfo"),
    "attempt": ("/attempt", "std_msgs/msg/String"),
    "pose": ("/tf_static", "tf2_msgs/msg/TFMessage"),
}
_BASE = "base"


def write_bag(attempts: Iterable[GraspAttempt], folder: Path, storage: str) -> int:
    """Write attempts with their frames to a new bag; return how many there were.

    `/attempt` holds each attempt as JSON (std_msgs/String) at the time of its start; the camera's
    topics hold the frames before and after it, depth as 32FC1 metres; `/tf_static` holds the
    camera's pose as used in the first attempt that knew it. The bag is there when it is complete,
    or not at all.

    Raises:
        AttemptLogError: the folder exists already.
    """
    try:
        with (
            new_folder(folder) as place,
            Writer(place, version=9, storage_plugin=STORAGES[storage]) as writer,
        ):
            bag = _Bag(writer)
            for attempt in attempts:
                bag.add(attempt)
            return bag.count
    except FileExistsError as error:
        raise AttemptLogError(f"{folder} cannot be written: {error}") from error


class _Bag:
    """A writer and the number of attempts that it has written."""

    def __init__(self, writer: Writer) -> None:
        self._writer, self._store = writer, get_typestore(Stores.ROS2_JAZZY)
        self._connections = {
            name: writer.add_connection(topic, kind, typestore=self._store)
            for name, (topic, kind) in _TOPICS.items()
        }
        self._last_frame, self._posed = 0, False
        self.count = 0

    def add(self, attempt: GraspAttempt) -> None:
        """Write one attempt; a frame after a pick that is the one before the next only once."""
        known = bool(np.isfinite(attempt.T_base_camera).all())
        if not self._posed and known and attempt.before is not None:
            self._write_pose(attempt.T_base_camera, attempt.before.frame_id, attempt.stamp_ns)
            self._posed = True
        if attempt.before is not None:
            self._write_frame(attempt.before)
        text = json.dumps(to_json(attempt, None, None))
        self._write("attempt", attempt.stamp_ns, data=text)
        if attempt.after is not None:
            self._write_frame(attempt.after)
        self.count += 1

    def _write_frame(self, frame: RgbdFrame) -> None:
        if frame.stamp_ns and frame.stamp_ns == self._last_frame:
            return  # stamp 0 is no time at all, and says nothing about two frames
        self._last_frame = frame.stamp_ns
        header = self._header(frame.stamp_ns, frame.frame_id)
        for name, image, encoding in (
            ("color", frame.color, "rgb8"),
            ("depth", frame.depth, "32FC1"),
        ):
            data = np.ascontiguousarray(image)
            self._write(
                name,
                frame.stamp_ns,
                header=header,
                height=data.shape[0],
                width=data.shape[1],
                encoding=encoding,
                is_bigendian=0,
                step=data.strides[0],
                data=data.view(np.uint8).reshape(-1),
            )
        self._write_info(frame, header)

    def _write_info(self, frame: RgbdFrame, header: Any) -> None:
        K = frame.intrinsics.matrix
        model, d = frame.intrinsics.distortion
        region = self._store.types["sensor_msgs/msg/RegionOfInterest"]
        self._write(
            "info",
            frame.stamp_ns,
            header=header,
            height=frame.shape[0],
            width=frame.shape[1],
            distortion_model=model,
            d=np.array(d),
            k=K.reshape(-1),
            r=np.eye(3).reshape(-1),
            p=np.hstack([K, np.zeros((3, 1))]).reshape(-1),
            binning_x=0,
            binning_y=0,
            roi=region(x_offset=0, y_offset=0, height=0, width=0, do_rectify=False),
        )

    def _write_pose(self, T: NDArray[np.float64], frame_id: str, stamp_ns: int) -> None:
        types = self._store.types
        x, y, z, w = (float(value) for value in to_quaternion(T))
        px, py, pz = (float(value) for value in T[:3, 3])
        transform = types["geometry_msgs/msg/TransformStamped"](
            header=self._header(stamp_ns, _BASE),
            child_frame_id=frame_id,
            transform=types["geometry_msgs/msg/Transform"](
                translation=types["geometry_msgs/msg/Vector3"](x=px, y=py, z=pz),
                rotation=types["geometry_msgs/msg/Quaternion"](x=x, y=y, z=z, w=w),
            ),
        )
        self._write("pose", stamp_ns, transforms=[transform])

    def _header(self, stamp_ns: int, frame_id: str) -> Any:
        seconds, nanoseconds = divmod(stamp_ns, 10**9)
        time = self._store.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)
        return self._store.types["std_msgs/msg/Header"](stamp=time, frame_id=frame_id)

    def _write(self, name: str, stamp_ns: int, **fields: Any) -> None:
        kind = _TOPICS[name][1]
        data = self._store.serialize_cdr(self._store.types[kind](**fields), kind)
        self._writer.write(self._connections[name], stamp_ns, data)
