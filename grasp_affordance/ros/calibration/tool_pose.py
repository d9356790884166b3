"""`T_base_tool` for the calibration: from TF where it is installed, else from the UR driver."""

import time
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PoseStamped
from rclpy.node import Node

from grasp_affordance.errors import ConfigError, TransformError
from grasp_affordance.geometry import Array, from_quaternion
from grasp_affordance.ros.common.conversions import (
    from_point_msg,
    from_time_msg,
    from_transform_msg,
)
from grasp_affordance.ros.common.freshness import Arrival, NodeClock
from grasp_affordance.ros.common.transforms import TfListener

_POLL = 0.01  # seconds between looks
_STILL = 2e-4  # metres
_STILL_ANGLE = 1e-3  # radians; 0.3 mm at a board that is 0.3 m across


@dataclass(frozen=True)
class ToolPoseConfig:
    """Where the tool's pose comes from.

    Attributes:
        base_frame_id: of the robot.
        tool_frame_id: whose pose is asked of TF.
        topic: geometry_msgs/PoseStamped that is used without TF; the UR driver's is in the frame
            `base`.
        max_age: a pose is none when its stamp is older, or when it came longer ago, seconds.
    """

    base_frame_id: str = "base"
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
        self._received: tuple[PoseStamped, Arrival] | None = None
        self._clock = NodeClock(node, self._forget)
        self._subscription = node.create_subscription(PoseStamped, config.topic, self._receive, 10)
        self._tf = TfListener(node)

    def read(self, newer_than_ns: int | None = None) -> Array:
        """Return `T_base_tool` (4, 4).

        Args:
            newer_than_ns: wait for a pose stamped later than this, at most for `max_age` seconds.

        Raises:
            TransformError: it is not known, old, stamped by a clock that is ahead, or no newer one
                has come.
        """
        deadline = self._clock.seconds() + self.config.max_age
        while True:
            stamp, T = self._newest()
            if newer_than_ns is None or stamp > newer_than_ns:
                return T
            if self._clock.seconds() > deadline:
                raise TransformError(
                    f"no pose of the tool came in {self.config.max_age} s: "
                    "is the robot's driver up?"
                )
            time.sleep(_POLL)

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)
        self._tf.close()
        self._clock.close()

    def _newest(self) -> tuple[int, Array]:
        if problem := self._clock.problem():
            raise TransformError(f"the tool's pose cannot be evaluated: {problem}")
        stamp, T, arrival = self._from_tf() or self._from_topic()
        if penalty := self._clock.penalty(stamp, self.config.max_age, arrival):
            raise TransformError(f"the tool's pose is {penalty}: is the robot's driver up?")
        return stamp, T

    def _receive(self, message: PoseStamped) -> None:
        self._received = message, self._clock.arrival()

    def _forget(self) -> None:
        self._received = None

    def _from_tf(self) -> tuple[int, Array, None] | None:
        message = self._tf.newest(self.config.base_frame_id, self.config.tool_frame_id)
        if message is None:
            return None
        return from_time_msg(message.header.stamp), from_transform_msg(message.transform), None

    def _from_topic(self) -> tuple[int, Array, Arrival]:
        config = self.config
        if self._received is None:
            refused = self._tf.refused()
            raise TransformError(
                f"no transform from '{config.tool_frame_id}' to '{config.base_frame_id}' and "
                f"nothing on {config.topic}: {refused or 'start the driver of the robot'}"
            )
        message, arrival = self._received
        if message.header.frame_id != config.base_frame_id:
            raise TransformError(
                f"{config.topic} is in '{message.header.frame_id}', not in "
                f"'{config.base_frame_id}'; install tf2_ros, or set base_frame_id"
            )
        q = message.pose.orientation
        T = from_quaternion(from_point_msg(message.pose.position), np.array([q.x, q.y, q.z, q.w]))
        return from_time_msg(message.header.stamp), T, arrival
