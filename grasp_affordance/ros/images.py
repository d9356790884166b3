"""`sensor_msgs` images to numpy and back, without per-pixel Python and without needless copies."""

import sys
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from grasp_affordance.errors import FrameError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame, color_as_rgb, depth_in_metres
from grasp_affordance.ros.conversions import from_time_msg, to_header_msg

# encoding -> (type, channels), as in sensor_msgs/image_encodings.hpp
_LAYOUTS: dict[str, tuple[np.dtype[Any], int]] = {
    "rgb8": (np.dtype(np.uint8), 3),
    "bgr8": (np.dtype(np.uint8), 3),
    "rgba8": (np.dtype(np.uint8), 4),
    "bgra8": (np.dtype(np.uint8), 4),
    "mono8": (np.dtype(np.uint8), 1),
    "mono16": (np.dtype(np.uint16), 1),
    "16UC1": (np.dtype(np.uint16), 1),
    "32FC1": (np.dtype(np.float32), 1),
}


def from_image_msg(msg: Image) -> NDArray[Any]:
    """Return a read-only view (H, W) or (H, W, C) of the message's data, in native byte order.

    Only a big-endian image is copied. Padding at the ends of rows (`step`) is left out of the view.

    Raises:
        FrameError: unknown encoding, empty image, or less data than its size and step say.
    """
    if msg.encoding not in _LAYOUTS:
        raise FrameError(
            f"image encoding '{msg.encoding}' is unknown; let the driver publish one of "
            f"{', '.join(_LAYOUTS)}"
        )
    dtype, channels = _LAYOUTS[msg.encoding]
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


def to_image_msg(image: NDArray[Any], encoding: str, header: Header) -> Image:
    """Return a message of an array (H, W) or (H, W, C) that is laid out as `encoding` says.

    Raises:
        FrameError: unknown encoding, or an array that is not of that encoding.
    """
    dtype, channels = _LAYOUTS.get(encoding, (np.dtype(np.void), 0))
    if image.dtype != dtype or image[:1, :1].size != channels:
        raise FrameError(f"an array {image.shape} of {image.dtype} is no {encoding} image")
    data = array("B")
    data.frombytes(np.ascontiguousarray(image).data.cast("B"))  # others go through slow checks
    return Image(
        header=header,
        height=image.shape[0],
        width=image.shape[1],
        encoding=encoding,
        is_bigendian=int(sys.byteorder == "big"),
        step=image.shape[1] * channels * image.dtype.itemsize,
        data=data,
    )


def from_camera_info_msg(msg: CameraInfo) -> Intrinsics:
    """Return the pinhole intrinsics K of a camera.

    Raises:
        GeometryError: they are zero (an uncalibrated driver) or the size is.
    """
    return Intrinsics(msg.k[0], msg.k[4], msg.k[2], msg.k[5], msg.width, msg.height)


def to_camera_info_msg(intrinsics: Intrinsics, header: Header) -> CameraInfo:
    """Return the message of an undistorted camera: K, its projection P, and no distortion."""
    k = intrinsics.matrix
    return CameraInfo(
        header=header,
        width=intrinsics.width,
        height=intrinsics.height,
        distortion_model="plumb_bob",
        d=[0.0] * 5,
        k=k.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=np.hstack([k, np.zeros((3, 1))]).ravel().tolist(),
    )


def from_rgbd_msgs(color: Image, depth: Image, info: CameraInfo) -> RgbdFrame:
    """Return the frame of three messages of one instant; color gives stamp and frame id.

    Raises:
        FrameError, GeometryError: see `from_image_msg`, `from_camera_info_msg`, `RgbdFrame`.
    """
    return RgbdFrame(
        color_as_rgb(from_image_msg(color), color.encoding),
        depth_in_metres(from_image_msg(depth), depth.encoding),
        from_camera_info_msg(info),
        stamp_ns=from_time_msg(color.header.stamp),
        frame_id=color.header.frame_id,
    )


def to_rgbd_msgs(
    frame: RgbdFrame, depth_encoding: str = "32FC1"
) -> tuple[Image, Image, CameraInfo]:
    """Return color (rgb8), depth and camera info of a frame, all with its stamp and frame id.

    Args:
        depth_encoding: `32FC1`, metres, NaN where unknown; or `16UC1`, millimetres, 0 where unknown
            (what realsense2_camera publishes; rounds to the millimetre).

    Raises:
        FrameError: another depth encoding.
    """
    header = to_header_msg(frame.stamp_ns, frame.frame_id)
    return (
        to_image_msg(frame.color, "rgb8", header),
        to_image_msg(depth_to_encoding(frame.depth, depth_encoding), depth_encoding, header),
        to_camera_info_msg(frame.intrinsics, header),
    )


def depth_to_encoding(depth: NDArray[np.float32], encoding: str) -> NDArray[Any]:
    """Return depth (H, W) in metres as the values of a `32FC1` or `16UC1` image (REP 118)."""
    if encoding == "32FC1":
        return depth
    if encoding != "16UC1":
        raise FrameError(f"depth cannot be published as '{encoding}'; use 32FC1 or 16UC1")
    millimetres = np.round(np.nan_to_num(depth, nan=0.0) * 1000.0)
    return np.where(millimetres > 65535, 0, millimetres).astype(np.uint16)
