"""rosbag2 recordings for tests, as a camera's driver and `ros2 bag record` make them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from grasp_affordance.geometry import Intrinsics, to_quaternion
from grasp_affordance.messages.bag import BagTopics
from grasp_affordance.rgbd import RgbdFrame

STORE = get_typestore(Stores.ROS2_JAZZY)
TOPICS = BagTopics()
_T = STORE.types


def write_bag(
    folder: Path,
    frames: Iterable[RgbdFrame],
    storage: StoragePlugin = StoragePlugin.SQLITE3,
    lag: int = 0,
    T_base_camera: NDArray[np.float64] | None = None,
    info_once: bool = False,
    topics: BagTopics = TOPICS,
) -> Path:
    """Write frames at their stamps: color as bgr8, depth in millimetres, `lag` ns after color.

    Args:
        T_base_camera: goes to /tf_static as the product of two transforms, base_link -> mount ->
            the frames' optical frame.
        info_once: write the first frame's CameraInfo only; it comes after the images.
    """
    kinds = {topics.color: "Image", topics.depth: "Image", topics.info: "CameraInfo"}
    with Writer(folder, version=9, storage_plugin=storage) as writer:
        to = {
            topic: writer.add_connection(topic, f"sensor_msgs/msg/{kind}", typestore=STORE)
            for topic, kind in kinds.items()
        }
        for number, frame in enumerate(frames):
            stamp, name = frame.stamp_ns, frame.frame_id
            if number == 0 and T_base_camera is not None:
                static = writer.add_connection(
                    "/tf_static", "tf2_msgs/msg/TFMessage", typestore=STORE
                )
                message = _static_transforms(T_base_camera, name)
                writer.write(static, stamp, STORE.serialize_cdr(message, static.msgtype))
            millimetres = np.nan_to_num(np.round(frame.depth * 1000)).astype(np.uint16)
            messages = {
                topics.color: _image(frame.color[..., ::-1], "bgr8", _header(stamp, name)),
                topics.depth: _image(millimetres, "16UC1", _header(stamp + lag, name)),
                topics.info: _info(frame.intrinsics, _header(stamp, name)),
            }
            for topic, message in messages.items():
                if topic != topics.info or number == 0 or not info_once:
                    data = STORE.serialize_cdr(message, to[topic].msgtype)
                    writer.write(to[topic], stamp, data)
    return folder


def _header(stamp_ns: int, frame_id: str) -> Any:
    time = _T["builtin_interfaces/msg/Time"](*divmod(stamp_ns, 10**9))
    return _T["std_msgs/msg/Header"](time, frame_id)


def _image(array: NDArray[Any], encoding: str, header: Any) -> Any:
    height, width = array.shape[:2]
    data = np.frombuffer(array.tobytes(), np.uint8)
    kind = _T["sensor_msgs/msg/Image"]
    return kind(header, height, width, encoding, 0, array[0].nbytes, data)


def _info(intrinsics: Intrinsics, header: Any) -> Any:
    k = intrinsics.matrix
    model, d = intrinsics.distortion
    roi = _T["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
    return _T["sensor_msgs/msg/CameraInfo"](
        header, intrinsics.height, intrinsics.width, model, np.array(d), k.ravel(),
        np.eye(3).ravel(), np.hstack([k, np.zeros((3, 1))]).ravel(), 0, 0, roi,
    )  # fmt: skip


def _static_transforms(T_base_camera: NDArray[np.float64], frame_id: str) -> Any:
    mount, rest = np.eye(4), np.array(T_base_camera)
    mount[:3, 3] = [0.0, 0.0, 0.5]
    rest[:3, 3] -= mount[:3, 3]
    transforms = []
    # The second link first: nobody promises an order.
    for parent, child, pose in (("mount", frame_id, rest), ("base_link", "mount", mount)):
        translation = _T["geometry_msgs/msg/Vector3"](*pose[:3, 3])
        rotation = _T["geometry_msgs/msg/Quaternion"](*to_quaternion(pose))
        transform = _T["geometry_msgs/msg/Transform"](translation, rotation)
        stamped = _T["geometry_msgs/msg/TransformStamped"]
        transforms.append(stamped(_header(0, parent), child, transform))
    return _T["tf2_msgs/msg/TFMessage"](transforms)
