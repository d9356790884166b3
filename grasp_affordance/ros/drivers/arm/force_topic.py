"""The force at the flange, from a topic, while it is fresh."""

import time
from collections.abc import Callable

import numpy as np
from geometry_msgs.msg import WrenchStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile

from grasp_affordance.errors import ArmError


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
