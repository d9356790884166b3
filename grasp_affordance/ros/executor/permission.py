"""Who lets the arm move: nobody has paused it, and the deadman switch, if any, is held.

`~/pause` (std_srvs/SetBool) stops what is under way and refuses everything until it is called with
false. With `deadman_timeout` above 0, `~/deadman` (std_msgs/Bool) must say true that often.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node
from std_msgs.msg import Bool
from std_srvs.srv import SetBool

from grasp_affordance.attempt import Cause
from grasp_affordance.errors import ConfigError
from grasp_affordance.execution.activity import Activity
from grasp_affordance.ros.common.freshness import steady_clock

_PERIOD = 0.05  # seconds between looks at the deadman switch


@dataclass(frozen=True)
class PermissionConfig:
    """When the arm may move.

    Attributes:
        deadman_timeout: the deadman switch must have been held within this, seconds; 0 for no
            switch.
    """

    deadman_timeout: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.deadman_timeout <= 5:
            raise ConfigError(f"deadman_timeout {self.deadman_timeout} s is not between 0 and 5 s")


class Permission:
    """Gates every motion of one executor."""

    def __init__(
        self,
        node: Node,
        config: PermissionConfig,
        activity: Activity,
        why_inactive: Callable[[], str],
        stop_timeout: float,
    ) -> None:
        """Serve the pause and watch the switch.

        Args:
            why_inactive: what else refuses; asked first.
            stop_timeout: for the arm to come to rest, seconds.
        """
        self._node, self._config, self._activity = node, config, activity
        self._why_inactive, self._stop_timeout = why_inactive, stop_timeout
        self._paused = False
        self._held_at: float | None = None
        # Each waits for the arm in one thread at most: the node's others take the joint states that
        # say that it is at rest.
        pausing, holding, looking = (MutuallyExclusiveCallbackGroup() for _ in range(3))
        self._service = node.create_service(SetBool, "~/pause", self._pause, callback_group=pausing)
        self._subscription = node.create_subscription(
            Bool, "~/deadman", self._hold, 1, callback_group=holding
        )
        self._timer = node.create_timer(
            _PERIOD, self._look, callback_group=looking, clock=steady_clock()
        )

    def blocking_reason(self) -> str:
        """Return why nothing may move; empty when it may."""
        if reason := self._why_inactive():
            return reason
        if self._paused:
            return f"paused; call {self._node.get_fully_qualified_name()}/pause with false to go on"
        return "" if self._held() else "the deadman switch is not held"

    def close(self) -> None:
        """Take the service out of the graph."""
        self._node.destroy_service(self._service)
        self._node.destroy_subscription(self._subscription)
        self._node.destroy_timer(self._timer)

    def _held(self) -> bool:
        timeout = self._config.deadman_timeout
        if timeout == 0:
            return True
        return self._held_at is not None and time.monotonic() - self._held_at <= timeout

    def _hold(self, message: Bool) -> None:
        self._held_at = time.monotonic() if message.data else None

    def _look(self) -> None:
        if self._activity.busy and not self._held():
            self._stop("the deadman switch was let go")

    def _pause(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._paused = bool(request.data)
        response.success, response.message = True, "paused" if self._paused else "may move again"
        if self._paused and not self._stop("paused"):
            response.success = False
            response.message = "the arm is not at rest; use the emergency stop"
        return response

    def _stop(self, reason: str) -> bool:
        stopped = self._activity.stop(Cause.CANCELLED, reason, self._stop_timeout)
        if not stopped:
            self._node.get_logger().fatal(f"{reason}; the arm does not stop")
        return stopped
