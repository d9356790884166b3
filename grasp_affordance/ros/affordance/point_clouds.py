"""RGB-D frames as coloured point clouds for RViz."""

import sys
from array import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField

from grasp_affordance.errors import FrameError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.conversions import to_header_msg

# RViz reads `rgb` as the bits 0x00RRGGBB of a float: blue lies first in memory.
_POINT = np.dtype([("xyz", "<f4", 3), ("bgra", "u1", 4)])


def to_point_cloud_msg(frame: RgbdFrame, stride: int = 1) -> PointCloud2:
    """Return an organised cloud in the camera frame, metres; NaN where depth is unknown.

    Args:
        stride: keep every n-th row and column.
    """
    depth, color = frame.depth[::stride, ::stride], frame.color[::stride, ::stride]
    points = np.zeros(depth.shape, _POINT)
    points["xyz"] = frame.intrinsics.deproject_image(frame.depth)[::stride, ::stride]
    points["bgra"][..., :3] = color[..., ::-1]
    data = array("B")
    data.frombytes(points.data.cast("B"))
    return PointCloud2(
        header=to_header_msg(frame.stamp_ns, frame.frame_id),
        height=depth.shape[0],
        width=depth.shape[1],
        fields=[
            PointField(name=name, offset=offset, datatype=PointField.FLOAT32, count=1)
            for name, offset in (("x", 0), ("y", 4), ("z", 8), ("rgb", 12))
        ],
        is_bigendian=sys.byteorder == "big",
        point_step=_POINT.itemsize,
        row_step=_POINT.itemsize * depth.shape[1],
        data=data,
        is_dense=False,
    )


def from_point_cloud_msg(msg: PointCloud2) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return points (H, W, 3) float32 in metres and colors (H, W, 3) uint8 RGB.

    Raises:
        FrameError: the cloud is not laid out as `to_point_cloud_msg` does.
    """
    layout = [(field.name, field.offset) for field in msg.fields]
    if layout != [("x", 0), ("y", 4), ("z", 8), ("rgb", 12)] or msg.point_step != _POINT.itemsize:
        raise FrameError(f"a cloud of fields {layout} is not x, y, z, rgb of 16 bytes a point")
    points = np.frombuffer(msg.data, _POINT).reshape(msg.height, msg.width)
    return points["xyz"], points["bgra"][..., 2::-1]
