"""Stops the arm when the camera falls silent: nobody sees any more what it does."""

import time
from collections.abc import Callable

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from grasp_affordance.attempt import Cause
from grasp_affordance.execution.activity import Activity
from grasp_affordance.ros.common.freshness import steady_clock
from grasp_affordance.ros.executor.topic_camera import TopicCamera

_PERIOD = 0.1  # seconds
_LATE = 3 * _PERIOD


class CameraWatch:
    """Looks at the age of the newest frame while the arm is in use.

    A look that comes late was held up together with the frames: moveit_py keeps Python from running
    while it plans. Such a look does not count; the next one, a period later, does in any case.
    """

    def __init__(
        self,
        node: Node,
        camera: TopicCamera,
        activity: Activity,
        stop_timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._node = node
        self._camera = camera
        self._activity = activity
        self._stop_timeout = stop_timeout
        self._clock, self._looked_at, self._passed = clock, clock(), False
        group = MutuallyExclusiveCallbackGroup()
        self._timer = node.create_timer(
            _PERIOD, self._look, callback_group=group, clock=steady_clock()
        )

    def close(self) -> None:
        """Stop watching."""
        self._node.destroy_timer(self._timer)

    def _look(self) -> None:
        now = self._clock()
        late = now - self._looked_at > _LATE
        self._looked_at, self._passed = now, late and not self._passed
        if self._passed or not self._activity.busy:
            return
        problem = self._camera.problem()
        if problem:
            reason = f"the camera is lost: {problem}"
            if not self._activity.stop(Cause.CAMERA_LOST, reason, self._stop_timeout):
                self._node.get_logger().fatal(f"{reason}; the arm does not stop")
