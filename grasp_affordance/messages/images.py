"""`sensor_msgs` images to numpy, without per-pixel Python and without needless copies.

The messages may be those of rclpy or of rosbags: both have the fields of the definition.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.lens import Lens
from grasp_affordance.messages.compressed import from_compressed_image_msg
from grasp_affordance.rgbd import RgbdFrame, color_as_rgb, depth_in_metres

MILLIMETRE = 0.001  # metres per count of 16-bit depth, as REP 118 has it

# encoding -> (type, channels), as in sensor_msgs/image_encodings.hpp
LAYOUTS: dict[str, tuple[np.dtype[Any], int]] = {
    "rgb8": (np.dtype(np.uint8), 3),
    "bgr8": (np.dtype(np.uint8), 3),
    "rgba8": (np.dtype(np.uint8), 4),
    "bgra8": (np.dtype(np.uint8), 4),
    "mono8": (np.dtype(np.uint8), 1),
    "mono16": (np.dtype(np.uint16), 1),
    "16UC1": (np.dtype(np.uint16), 1),
    "32FC1": (np.dtype(np.float32), 1),
}


def from_image_msg(msg: Any) -> NDArray[Any]:
    """Return a read-only view (H, W) or (H, W, C) of the message's data, in native byte order.

    Only a big-endian image is copied. Padding at the ends of rows (`step`) is left out of the view.

    Raises:
        FrameError: unknown encoding, empty image, or less data than its size and step say.
    """
    if msg.encoding not in LAYOUTS:
        raise FrameError(
            f"image encoding '{msg.encoding}' is unknown; let the driver publish one of "
            f"{', '.join(LAYOUTS)}"
        )
    dtype, channels = LAYOUTS[msg.encoding]
    row = msg.width * channels * dtype.itemsize
    step = msg.step or row
    if row == 0 or msg.height == 0:
        raise FrameError(f"the image is empty ({msg.width}x{msg.height}); check the driver")
    needed = step * (msg.height - 1) + row
    if step < row or len(msg.data) < needed:
        raise FrameError(
            f"a {msg.width}x{msg.height} {msg.encoding} image with rows of {step} bytes needs "
            f"{needed} bytes, got {len(msg.data)}; the message is damaged"
        )
    image = np.ndarray(
        (msg.height, msg.width, channels),
        dtype.newbyteorder(">" if msg.is_bigendian else "<"),
        buffer=memoryview(msg.data).toreadonly(),
        strides=(step, channels * dtype.itemsize, dtype.itemsize),
    )
    if not image.dtype.isnative:
        image = image.astype(dtype)
    return image[..., 0] if channels == 1 else image


def is_rectified(topic: str) -> bool:
    """Tell from the name of an image's topic whether its lens distortion is gone already.

    image_proc publishes `image_rect`, `image_rect_color` under the `camera_info` of the raw image.
    """
    return "rect" in topic.rsplit("/", 1)[-1]


def from_camera_info_msg(msg: Any, rectified: bool = False) -> Intrinsics:
    """Return the intrinsics of a raw image, K with D; or P, a pinhole, of a `rectified` one.

    Raises:
        GeometryError: they are zero (an uncalibrated driver) or the size is, or the model of the
            distortion is not supported.
    """
    if rectified:
        return Intrinsics(msg.p[0], msg.p[5], msg.p[2], msg.p[6], msg.width, msg.height)
    lens = Lens.of(msg.distortion_model, msg.d)
    return Intrinsics(msg.k[0], msg.k[4], msg.k[2], msg.k[5], msg.width, msg.height, lens)


def from_rgbd_msgs(
    color: Any,
    depth: Any,
    info: Any,
    rectified: bool = False,
    *,
    depth_unit: float = MILLIMETRE,
    trust_depth_frame: bool = False,
) -> RgbdFrame:
    """Return the frame of three messages of one instant; color gives stamp and frame id.

    Args:
        color, depth: Image or CompressedImage.
        rectified: the images are (see `is_rectified`).
        depth_unit: metres per count of 16-bit depth.
        trust_depth_frame: the depth is aligned to color although its header names another frame.

    Raises:
        FrameError, GeometryError: see `from_image_msg`, `from_camera_info_msg`, `RgbdFrame`; or the
            depth is not aligned to color.
    """
    frames = [message.header.frame_id.lstrip("/") for message in (depth, color)]
    if frames[0] != frames[1] and not trust_depth_frame:
        raise FrameError(
            "the depth is in '{}', the color in '{}': use depth aligned to color "
            "(align_depth.enable:=true, topic aligned_depth_to_color); if it is aligned and only "
            "its header says otherwise, set trust_depth_frame".format(*frames)
        )
    metres, depth_encoding = _pixels(depth)
    scale = None if depth_encoding == "32FC1" else depth_unit
    return RgbdFrame(
        color_as_rgb(*_pixels(color)),
        depth_in_metres(metres, depth_encoding, scale),
        from_camera_info_msg(info, rectified),
        stamp_ns=stamp_ns_of(color.header.stamp),
        frame_id=color.header.frame_id,
    ).without_blind()


def check_depth_unit(unit: float) -> None:
    """Raise ConfigError unless this can be metres per count of 16-bit depth."""
    if not 1e-6 <= unit <= 1:
        raise ConfigError(f"depth_unit {unit} m is not between 1e-6 and 1 metre per count")


def _pixels(message: Any) -> tuple[NDArray[Any], str]:
    """Return an image and its encoding."""
    if hasattr(message, "format"):
        return from_compressed_image_msg(message)
    return from_image_msg(message), message.encoding


def stamp_ns_of(time: Any) -> int:
    """Return a `builtin_interfaces/Time` in nanoseconds."""
    return int(time.sec) * 10**9 + int(time.nanosec)
