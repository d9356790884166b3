"""Publishes RGB-D frames as realsense2_camera does; for recordings, simulators and tests."""

import threading
from typing import Protocol

import numpy as np
from geometry_msgs.msg import TransformStamped
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import CameraInfo, Image

from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common import topics
from grasp_affordance.ros.common.conversions import to_transform_stamped_msg
from grasp_affordance.ros.common.images import to_rgbd_msgs
from grasp_affordance.ros.common.transforms import StaticBroadcaster


class CreatePublisher(Protocol):
    """`Node.create_publisher` or `LifecycleNode.create_lifecycle_publisher`."""

    def __call__(self, msg_type: type, topic: str, qos_profile: object) -> Publisher: ...


class RgbdPublisher:
    """The four topics of a camera with depth aligned to color, and its pose when it is known.

    The pose `T_base_camera` goes to `/tf_static` where tf2_ros is installed, and always, latched,
    to `<camera>/base_camera` (geometry_msgs/TransformStamped), which needs nothing.
    """

    def __init__(
        self,
        node: Node,
        camera: str = topics.CAMERA,
        depth_encoding: str = "32FC1",
        create_publisher: CreatePublisher | None = None,
    ) -> None:
        self._node = node
        self._depth_encoding = depth_encoding
        create = create_publisher or node.create_publisher
        quality = topics.IMAGE_PUBLISHER
        self._open = threading.Lock()  # close() may come from another thread
        self._publishers = [
            create(kind, f"{camera}/{name}", quality)
            for kind, name in (
                (Image, topics.COLOR),
                (Image, topics.ALIGNED_DEPTH),
                (CameraInfo, topics.COLOR_INFO),
                (CameraInfo, topics.ALIGNED_DEPTH_INFO),
            )
        ]
        pose_topic = f"{camera}/{topics.CAMERA_POSE}"
        self._pose = node.create_publisher(TransformStamped, pose_topic, topics.LATCHED)
        self._tf = StaticBroadcaster(node)

    def publish(self, frame: RgbdFrame) -> None:
        """Publish one frame with its own stamp and frame id.

        Raises:
            FrameError: the depth encoding cannot be published.
        """
        color, depth, info = to_rgbd_msgs(frame, self._depth_encoding)
        with self._open:
            for publisher, message in zip(
                self._publishers, (color, depth, info, info), strict=False
            ):
                publisher.publish(message)

    def publish_pose(
        self, T_base_camera: NDArray[np.float64], base_frame_id: str, frame_id: str
    ) -> None:
        """Make the camera's pose in the base frame known, for late subscribers too."""
        stamp = self._node.get_clock().now().nanoseconds
        message = to_transform_stamped_msg(T_base_camera, base_frame_id, frame_id, stamp)
        self._pose.publish(message)
        self._tf.send(message)

    def close(self) -> None:
        """Remove the publishers from their node."""
        # Knows lifecycle publishers and ordinary ones; a plain node has the latter only.
        destroy = getattr(self._node, "destroy_lifecycle_publisher", self._node.destroy_publisher)
        with self._open:
            for publisher in (*self._publishers, self._pose):
                destroy(publisher)
            self._publishers = []
