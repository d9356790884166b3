"""rosbag2 recordings for tests, as a camera's driver and `ros2 bag record` make them."""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import cv2
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
    unit: float = 0.001,
    depth_frame_id: str | None = None,
    compressed: str = "",
    topics: BagTopics = TOPICS,
) -> Path:
    """Write frames at their stamps: color as bgr8, depth in millimetres, `lag` ns after color.

    Args:
        T_base_camera: goes to /tf_static as the product of two transforms, base -> mount ->
            the frames' optical frame.
        info_once: write the first frame's CameraInfo only; it comes after the images.
        unit: metres per count of the depth.
        depth_frame_id: named by the depth's headers instead of the frames'.
        compressed: "16UC1" or "32FC1": write, instead of the images, what image_transport makes of
            color and of depth of this encoding.
    """
    color, depth = topics.color, topics.depth
    if compressed:
        color, depth = f"{color}/compressed", f"{depth}/compressedDepth"
    image = "CompressedImage" if compressed else "Image"
    kinds = {color: image, depth: image, topics.info: "CameraInfo"}
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
            counts = np.nan_to_num(np.round(frame.depth / unit)).astype(np.uint16)
            headers = _header(stamp, name), _header(stamp + lag, depth_frame_id or name)
            bgr = np.ascontiguousarray(frame.color[..., ::-1])
            if compressed:
                images = (
                    _compressed_color(bgr, headers[0]),
                    _compressed_depth(frame.depth, counts, compressed, headers[1]),
                )
            else:
                images = _image(bgr, "bgr8", headers[0]), _image(counts, "16UC1", headers[1])
            messages = {
                color: images[0],
                depth: images[1],
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


def _compressed_color(bgr: NDArray[Any], header: Any) -> Any:
    data = cv2.imencode(".png", bgr)[1]
    kind = _T["sensor_msgs/msg/CompressedImage"]
    return kind(header, "rgb8; png compressed bgr8", np.frombuffer(data.tobytes(), np.uint8))


def _compressed_depth(
    metres: NDArray[np.float32], counts: NDArray[np.uint16], encoding: str, header: Any
) -> Any:
    """As compressed_depth_image_transport does, with its defaults: 10 m, quantisation 100."""
    factor, offset = 0.0, 0.0
    if encoding == "32FC1":
        factor = 100.0 * 101.0
        offset = 1.0 - factor / 10.0
        with np.errstate(invalid="ignore"):
            near = metres < 10.0
            counts = np.where(near, factor / metres + offset, 0).astype(np.uint16)
    data = struct.pack("<iff", 0, factor, offset) + cv2.imencode(".png", counts)[1].tobytes()
    kind = _T["sensor_msgs/msg/CompressedImage"]
    return kind(header, f"{encoding}; compressedDepth png", np.frombuffer(data, np.uint8))


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
    for parent, child, pose in (("mount", frame_id, rest), ("base", "mount", mount)):
        translation = _T["geometry_msgs/msg/Vector3"](*pose[:3, 3])
        rotation = _T["geometry_msgs/msg/Quaternion"](*to_quaternion(pose))
        transform = _T["geometry_msgs/msg/Transform"](translation, rotation)
        stamped = _T["geometry_msgs/msg/TransformStamped"]
        transforms.append(stamped(_header(0, parent), child, transform))
    return _T["tf2_msgs/msg/TFMessage"](transforms)
