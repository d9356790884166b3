"""Frames to `sensor_msgs`, without per-pixel Python; `messages/images.py` is the way back."""

import sys
from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from grasp_affordance.errors import FrameError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.messages.images import LAYOUTS
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.conversions import to_header_msg


def to_image_msg(image: NDArray[Any], encoding: str, header: Header) -> Image:
    """Return a message of an array (H, W) or (H, W, C) that is laid out as `encoding` says.

    Raises:
        FrameError: unknown encoding, or an array that is not of that encoding.
    """
    dtype, channels = LAYOUTS.get(encoding, (np.dtype(np.void), 0))
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


def to_camera_info_msg(intrinsics: Intrinsics, header: Header) -> CameraInfo:
    """Return the message of a camera: K and the lens; P is K, as of an image rectified to K."""
    k = intrinsics.matrix
    model, d = intrinsics.distortion
    return CameraInfo(
        header=header,
        width=intrinsics.width,
        height=intrinsics.height,
        distortion_model=model,
        d=list(d),
        k=k.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=np.hstack([k, np.zeros((3, 1))]).ravel().tolist(),
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
