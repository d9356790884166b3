"""Stops the arm when the camera falls silent: nobody sees any more what it does."""

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.node import Node

from grasp_affordance.execution.activity import Activity
from grasp_affordance.grasp import Cause
from grasp_affordance.ros.topic_camera import TopicCamera

_PERIOD = 0.1  # seconds


class CameraWatch:
    """Looks at the age of the newest frame while the arm is in use."""

    def __init__(
        self, node: Node, camera: TopicCamera, activity: Activity, stop_timeout: float
    ) -> None:
        self._node = node
        self._camera = camera
        self._activity = activity
        self._stop_timeout = stop_timeout
        group = MutuallyExclusiveCallbackGroup()
        self._timer = node.create_timer(_PERIOD, self._look, callback_group=group)

    def close(self) -> None:
        """Stop watching."""
        self._node.destroy_timer(self._timer)

    def _look(self) -> None:
        if not self._activity.busy:
            return
        problem = self._camera.problem()
        if problem:
            reason = f"the camera is lost: {problem}"
            if not self._activity.stop(Cause.CAMERA_LOST, reason, self._stop_timeout):
                self._node.get_logger().fatal(f"{reason}; the arm does not stop")
