"""What the affordance node shows: each picture is computed only while somebody looks."""

import sys
import threading
from array import array
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image, PointCloud2, PointField
from visualization_msgs.msg import MarkerArray

from grasp_affordance.affordance.overlay import draw_overlay
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.errors import FrameError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.detection import FrameResult
from grasp_affordance.ros.affordance.markers import to_marker_array_msg
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.cell_markers import to_cell_msg
from grasp_affordance.ros.common.conversions import to_header_msg
from grasp_affordance.ros.common.images import to_image_msg

# RViz reads `rgb` as the bits 0x00RRGGBB of a float: blue lies first in memory.
_POINT = np.dtype([("xyz", "<f4", 3), ("bgra", "u1", 4)])


class Views:
    """Publishers of affordance map, overlay, markers and coloured cloud; of the cell's outlines.

    The outlines go to `~/cell`, for late subscribers too: at first, and when the bin has been found
    elsewhere.
    """

    def __init__(self, node: LifecycleNode, cloud_stride: int, cell: CellDescription) -> None:
        self._node = node
        self._cloud_stride = cloud_stride
        self._cup_radius = cell.cup.radius
        self._cell = node.create_publisher(MarkerArray, "~/cell", topics.LATCHED)
        self._described = cell
        self._draw_cell(cell.bin)
        self._open = threading.Lock()  # cleanup comes from another thread
        views: list[tuple[type, str, Callable[[FrameResult], object]]] = [
            (Image, "~/affordance", self._affordance),
            (Image, "~/overlay", self._overlay),
            (MarkerArray, "~/markers", self._markers),
            (PointCloud2, "~/points", self._points),
        ]
        self._views = [
            (node.create_lifecycle_publisher(kind, topic, 1), draw) for kind, topic, draw in views
        ]

    @property
    def wanted(self) -> bool:
        """Whether anybody subscribes to any view."""
        with self._open:
            return any(publisher.get_subscription_count() for publisher, _ in self._views)

    def publish(self, result: FrameResult) -> None:
        """Publish the views that have subscribers."""
        box = result.prediction.scene.region.bin
        with self._open:
            if box is not None and box != self._drawn:
                self._draw_cell(box)
            for publisher, draw in self._views:
                if publisher.get_subscription_count():
                    publisher.publish(draw(result))

    def close(self) -> None:
        """Remove the publishers from the node."""
        with self._open:
            for publisher, _ in self._views:
                self._node.destroy_lifecycle_publisher(publisher)
            self._views = []
            self._node.destroy_publisher(self._cell)

    def _draw_cell(self, box: BinGeometry | None) -> None:
        cell, now = self._described, int(self._node.get_clock().now().nanoseconds)
        self._drawn = box
        self._cell.publish(to_cell_msg(cell, to_header_msg(now, cell.base_frame_id), box))

    def _affordance(self, result: FrameResult) -> Image:
        header = to_header_msg(result.frame.stamp_ns, result.frame.frame_id)
        return to_image_msg(result.prediction.affordance, "32FC1", header)

    def _overlay(self, result: FrameResult) -> Image:
        header = to_header_msg(result.frame.stamp_ns, result.frame.frame_id)
        picture = draw_overlay(
            result.frame.color,
            result.prediction.affordance,
            result.selection.points,
            self._cup_radius,
            result.frame.intrinsics.fx,
        )
        return to_image_msg(picture, "rgb8", header)

    def _markers(self, result: FrameResult) -> MarkerArray:
        header = to_header_msg(result.frame.stamp_ns, result.frame.frame_id)
        return to_marker_array_msg(result.selection.points, header)

    def _points(self, result: FrameResult) -> PointCloud2:
        return to_point_cloud_msg(result.frame, self._cloud_stride)


def to_point_cloud_msg(frame: RgbdFrame, stride: int = 1) -> PointCloud2:
    """Return an organised cloud in the camera frame, metres; NaN where depth is unknown.

    Args:
        stride: keep every n-th row and column.
    """
    depth, color = frame.depth[::stride, ::stride], frame.color[::stride, ::stride]
    points = np.zeros(depth.shape, _POINT)
    points["xyz"] = frame.intrinsics.every(stride).deproject_image(depth)
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
