"""Subscriptions to what the UR driver publishes: its status topics, and the force at the flange."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from geometry_msgs.msg import WrenchStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Bool, Float64

from grasp_affordance.errors import ArmError
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.ur.ur_status import UrStatus

# The driver publishes these on change only, for late subscribers too.
_ON_CHANGE = QoSProfile(
    depth=1, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.TRANSIENT_LOCAL
)


class UrFeedback:
    """Keeps a status up to date."""

    def __init__(self, node: Node, status: UrStatus, controller: str, speed_topic: str) -> None:
        """Subscribe below the I/O controller's namespace.

        Raises:
            ConfigError: ur_dashboard_msgs is not installed.
        """
        self._node = node
        modes: Any = require("ur_dashboard_msgs.msg", "ur_dashboard_msgs", "the UR's status")

        def note_speed(message: Float64) -> None:
            # Percent, although it is called a factor.
            status.speed_scaling = float(message.data) / 100.0

        # Not the group of the transitions and of ~/stop, which wait for an arm that this watches.
        group = MutuallyExclusiveCallbackGroup()
        self._subscriptions = [
            node.create_subscription(kind, topic, callback, quality, callback_group=group)
            for kind, topic, callback, quality in (
                (
                    modes.RobotMode,
                    f"{controller}/robot_mode",
                    lambda m: status.note_robot_mode(m.mode),
                    _ON_CHANGE,
                ),
                (
                    modes.SafetyMode,
                    f"{controller}/safety_mode",
                    lambda m: status.note_safety_mode(m.mode),
                    _ON_CHANGE,
                ),
                (
                    Bool,
                    f"{controller}/robot_program_running",
                    lambda m: status.note_program_running(m.data),
                    _ON_CHANGE,
                ),
                (Float64, speed_topic, note_speed, QoSProfile(depth=1)),
            )
        ]

    def close(self) -> None:
        """Stop listening."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)


class ForceTopic:
    """Keeps the newest force; without one a guarded approach would not notice a contact."""

    def __init__(
        self,
        node: Node,
        topic: str,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Subscribe to a `geometry_msgs/WrenchStamped`.

        Args:
            timeout: a force older than this many seconds of `clock` is silence.
        """
        self._node, self._topic, self._timeout, self._clock = node, topic, timeout, clock
        self._newest: tuple[float, float] | None = None  # time of arrival, newtons
        group = MutuallyExclusiveCallbackGroup()
        self._subscription = node.create_subscription(
            WrenchStamped, topic, self._note, QoSProfile(depth=1), callback_group=group
        )

    def magnitude(self) -> float:
        """Return the present force, newtons.

        Raises:
            ArmError: none has come, or not lately.
        """
        if self._newest is None:
            raise ArmError(f"no force on {self._topic} yet: contact.signs asks for it")
        at, force = self._newest
        age = self._clock() - at
        if age > self._timeout:
            raise ArmError(f"the last force on {self._topic} is {age:.1f} s old")
        return force

    def close(self) -> None:
        """Stop listening."""
        self._node.destroy_subscription(self._subscription)

    def _note(self, message: WrenchStamped) -> None:
        force = message.wrench.force
        self._newest = (self._clock(), float(np.linalg.norm([force.x, force.y, force.z])))
