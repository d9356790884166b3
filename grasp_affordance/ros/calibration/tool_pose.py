"""`T_base_tool` for the calibration: from TF where it is installed, else from the UR driver."""

from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node
from rclpy.time import Time

from grasp_affordance.errors import ConfigError, TransformError
from grasp_affordance.geometry import Array, from_quaternion
from grasp_affordance.ros.common.conversions import (
    from_point_msg,
    from_time_msg,
    from_transform_msg,
)
from grasp_affordance.ros.common.transforms import listen_to_tf

_STILL = 2e-4  # metres
_STILL_ANGLE = 1e-3  # radians; 0.3 mm at a board that is 0.3 m across


@dataclass(frozen=True)
class ToolPoseConfig:
    """Where the tool's pose comes from.

    Attributes:
        base_frame_id: of the robot.
        tool_frame_id: whose pose is asked of TF.
        topic: geometry_msgs/PoseStamped that is used without TF; the UR driver's is in the frame
            `base`, which is `base_link` turned by half a turn: set base_frame_id to it then.
        max_age: an older pose is none, seconds.
    """

    base_frame_id: str = "base_link"
    tool_frame_id: str = "tool0"
    topic: str = "tcp_pose_broadcaster/pose"
    max_age: float = 0.5

    def __post_init__(self) -> None:
        if not (self.base_frame_id and self.tool_frame_id and self.max_age > 0):
            raise ConfigError("base_frame_id and tool_frame_id need names, max_age to be positive")


def moved(before: Array, after: Array) -> bool:
    """Whether two poses (4, 4) of the tool differ by more than noise.

    A last joint that turns moves the flange's origin not at all, but every corner of the board.
    """
    turned = np.linalg.norm(after[:3, :3] - before[:3, :3]) / np.sqrt(2)  # radians, when small
    shifted = np.linalg.norm(after[:3, 3] - before[:3, 3])
    return bool(shifted > _STILL or turned > _STILL_ANGLE)


class ToolPose:
    """Answers with the pose of the tool."""

    def __init__(self, node: Node, config: ToolPoseConfig) -> None:
        self.config = config
        self._node = node
        self._message: PoseStamped | None = None
        self._subscription = node.create_subscription(PoseStamped, config.topic, self._receive, 10)
        self._buffer, self._listener = listen_to_tf(node)

    def read(self) -> Array:
        """Return `T_base_tool` (4, 4).

        Raises:
            TransformError: it is not known, or old.
        """
        stamp, T = self._from_tf() or self._from_topic()
        age = (self._node.get_clock().now().nanoseconds - stamp) * 1e-9
        if age > self.config.max_age:
            raise TransformError(f"the tool's pose is {age:.1f} s old: is the robot's driver up?")
        return T

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)
        if self._listener is not None:
            self._listener.unregister()

    def _receive(self, message: PoseStamped) -> None:
        self._message = message

    def _from_tf(self) -> tuple[int, Array] | None:
        base, tool = self.config.base_frame_id, self.config.tool_frame_id
        if self._buffer is None or not self._buffer.can_transform(base, tool, Time()):
            return None
        message = self._buffer.lookup_transform(base, tool, Time())
        return from_time_msg(message.header.stamp), from_transform_msg(message.transform)

    def _from_topic(self) -> tuple[int, Array]:
        message, config = self._message, self.config
        if message is None:
            raise TransformError(
                f"no transform from '{config.tool_frame_id}' to '{config.base_frame_id}' and "
                f"nothing on {config.topic}: start the robot's driver"
            )
        if message.header.frame_id != config.base_frame_id:
            raise TransformError(
                f"{config.topic} is in '{message.header.frame_id}', not in "
                f"'{config.base_frame_id}'; install tf2_ros, or set base_frame_id"
            )
        q = message.pose.orientation
        T = from_quaternion(from_point_msg(message.pose.position), np.array([q.x, q.y, q.z, q.w]))
        return from_time_msg(message.header.stamp), T
