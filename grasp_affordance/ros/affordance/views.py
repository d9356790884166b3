"""What the affordance node shows: each picture is computed only while somebody looks."""

import threading
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from grasp_affordance.affordance.overlay import draw_overlay
from grasp_affordance.ros.affordance.detection import FrameResult
from grasp_affordance.ros.affordance.markers import to_marker_array_msg
from grasp_affordance.ros.affordance.point_clouds import to_point_cloud_msg
from grasp_affordance.ros.common.conversions import to_header_msg
from grasp_affordance.ros.common.images import to_image_msg


class Views:
    """Publishers of affordance map, overlay, markers and coloured cloud."""

    def __init__(self, node: LifecycleNode, cloud_stride: int, cup_radius: float) -> None:
        self._node = node
        self._cloud_stride = cloud_stride
        self._cup_radius = cup_radius
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
        with self._open:
            for publisher, draw in self._views:
                if publisher.get_subscription_count():
                    publisher.publish(draw(result))

    def close(self) -> None:
        """Remove the publishers from the node."""
        with self._open:
            for publisher, _ in self._views:
                self._node.destroy_lifecycle_publisher(publisher)
            self._views = []

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
