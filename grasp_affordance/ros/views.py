"""What the affordance node shows: each picture is computed only while somebody looks."""

import threading
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode
from sensor_msgs.msg import Image, PointCloud2
from visualization_msgs.msg import MarkerArray

from grasp_affordance.affordance.overlay import draw_overlay
from grasp_affordance.ros.conversions import to_header_msg
from grasp_affordance.ros.images import to_image_msg
from grasp_affordance.ros.judge import Verdict
from grasp_affordance.ros.markers import to_marker_array_msg
from grasp_affordance.ros.point_clouds import to_point_cloud_msg


class Views:
    """Publishers of affordance map, overlay, markers and coloured cloud."""

    def __init__(self, node: LifecycleNode, cloud_stride: int, cup_radius: float) -> None:
        self._node = node
        self._cloud_stride = cloud_stride
        self._cup_radius = cup_radius
        self._open = threading.Lock()  # cleanup comes from another thread
        views: list[tuple[type, str, Callable[[Verdict], object]]] = [
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

    def publish(self, verdict: Verdict) -> None:
        """Publish the views that have subscribers."""
        with self._open:
            for publisher, draw in self._views:
                if publisher.get_subscription_count():
                    publisher.publish(draw(verdict))

    def close(self) -> None:
        """Remove the publishers from the node."""
        with self._open:
            for publisher, _ in self._views:
                self._node.destroy_lifecycle_publisher(publisher)
            self._views = []

    def _affordance(self, verdict: Verdict) -> Image:
        header = to_header_msg(verdict.frame.stamp_ns, verdict.frame.frame_id)
        return to_image_msg(verdict.prediction.affordance, "32FC1", header)

    def _overlay(self, verdict: Verdict) -> Image:
        header = to_header_msg(verdict.frame.stamp_ns, verdict.frame.frame_id)
        picture = draw_overlay(
            verdict.frame.color,
            verdict.prediction.affordance,
            verdict.selection.points,
            self._cup_radius,
            verdict.frame.intrinsics.fx,
        )
        return to_image_msg(picture, "rgb8", header)

    def _markers(self, verdict: Verdict) -> MarkerArray:
        header = to_header_msg(verdict.frame.stamp_ns, verdict.frame.frame_id)
        return to_marker_array_msg(verdict.selection.points, header)

    def _points(self, verdict: Verdict) -> PointCloud2:
        return to_point_cloud_msg(verdict.frame, self._cloud_stride)
