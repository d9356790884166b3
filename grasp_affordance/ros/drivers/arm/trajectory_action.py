"""The client of a `FollowJointTrajectory` action: send, watch, and really cancel."""

import threading
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from action_msgs.srv import CancelGoal
from builtin_interfaces.msg import Duration
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory as JointTrajectoryMsg
from trajectory_msgs.msg import JointTrajectoryPoint

from grasp_affordance.errors import ArmError
from grasp_affordance.ros.common.service_retry import call_within
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.ordered_action_client import OrderedActionClient

# Of control_msgs/action/FollowJointTrajectory; a test compares them where it is installed.
ERROR_NAMES = {
    0: "SUCCESSFUL",
    -1: "INVALID_GOAL",
    -2: "INVALID_JOINTS",
    -3: "OLD_HEADER_TIMESTAMP",
    -4: "PATH_TOLERANCE_VIOLATED",
    -5: "GOAL_TOLERANCE_VIOLATED",
}


class Run:
    """One trajectory under way.

    Attributes:
        tracking_error: the largest present difference of a joint from its plan, radians.
    """

    def __init__(self) -> None:
        self.tracking_error = 0.0
        self._ended = threading.Event()
        self._accepted = threading.Event()
        self._failure = ""

    @property
    def ended(self) -> bool:
        """Whether the controller has finished with it, well or not."""
        return self._ended.is_set()

    @property
    def accepted(self) -> bool:
        """Whether the controller has answered and took it."""
        return self._accepted.is_set()

    @property
    def failure(self) -> str:
        """Why it ended otherwise than at its goal; empty for success and while under way."""
        return self._failure

    def wait(self, seconds: float) -> bool:
        """Wait for the end at most so long; return `ended`."""
        return self._ended.wait(seconds)

    def end(self, failure: str = "") -> None:
        """Note how it ended."""
        self._failure = failure
        self._ended.set()

    def accept(self) -> None:
        """Note that the controller took it."""
        self._accepted.set()


class TrajectoryAction:
    """Sends trajectories to one controller."""

    def __init__(self, node: Node, action: str, goal_tolerance: float, goal_time: float) -> None:
        """Make the clients.

        Args:
            action: name, such as /scaled_joint_trajectory_controller/follow_joint_trajectory.
            goal_tolerance: of every joint at the end, radians. The driver's own default of 0.1 rad
                is centimetres at the cup.
            goal_time: how long after its end the goal must be reached, seconds.

        Raises:
            ConfigError: control_msgs is not installed.
        """
        self._name = action
        actions = require("control_msgs.action", "control_msgs", "the arm")
        self._goal_type: Any = actions.FollowJointTrajectory.Goal
        self._tolerance_type: Any = require("control_msgs.msg", "control_msgs", "the arm")
        self._tolerance, self._goal_time = goal_tolerance, goal_time
        group = ReentrantCallbackGroup()
        self._client: Any = OrderedActionClient(
            node, actions.FollowJointTrajectory, action, callback_group=group
        )
        # Cancels also goals whose acceptance never came back; rclpy's own client needs a handle.
        self._node = node
        self._cancel: Any = node.create_client(
            CancelGoal, f"{action}/_action/cancel_goal", callback_group=group
        )

    @property
    def present(self) -> bool:
        """Whether a controller serves the action."""
        return bool(self._client.server_is_ready())

    def send(self, trajectory: JointTrajectory) -> Run:
        """Send a trajectory; returns at once."""
        run = Run()

        def answered(future: Any) -> None:
            handle = future.result()
            if not handle.accepted:
                run.end("the controller rejected the trajectory; is it active?")
                return
            run.accept()
            handle.get_result_async().add_done_callback(ended)

        def ended(future: Any) -> None:
            answer = future.result()
            run.end("" if _succeeded(answer) else _describe(answer))

        def follow(message: Any) -> None:
            errors = np.abs(np.asarray(message.feedback.error.positions))
            run.tracking_error = float(errors.max()) if errors.size else 0.0

        future = self._client.send_goal_async(self._goal(trajectory), feedback_callback=follow)
        future.add_done_callback(answered)
        return run

    def cancel(self, timeout: float) -> None:
        """Cancel every goal of the controller; returns when it has answered.

        Raises:
            ArmError: it does not.
        """
        everything = CancelGoal.Request()  # no id and no time: all goals
        call_within(self._cancel, everything, timeout, ArmError)

    def close(self) -> None:
        """Remove the clients."""
        self._client.destroy()
        self._node.destroy_client(self._cancel)

    def _goal(self, trajectory: JointTrajectory) -> Any:
        """Return the message; its stamp is 0, which means at once."""
        points = [
            JointTrajectoryPoint(
                positions=p.tolist(), velocities=v.tolist(), time_from_start=_duration(t)
            )
            for t, p, v in zip(
                trajectory.times, trajectory.positions, trajectory.velocities, strict=True
            )
        ]
        names = list(trajectory.joint_names)
        return self._goal_type(
            trajectory=JointTrajectoryMsg(joint_names=names, points=points),
            goal_tolerance=[
                self._tolerance_type.JointTolerance(name=name, position=self._tolerance)
                for name in names
            ],
            goal_time_tolerance=_duration(self._goal_time),
        )


def _succeeded(answer: Any) -> bool:
    return answer.status == GoalStatus.STATUS_SUCCEEDED and answer.result.error_code == 0


def _describe(answer: Any) -> str:
    code = int(answer.result.error_code)
    if answer.status == GoalStatus.STATUS_CANCELED:
        return "the trajectory was cancelled"
    name = ERROR_NAMES.get(code, "unknown")
    return f"the controller aborted: {name} ({code}) {answer.result.error_string}".rstrip()


def _duration(seconds: float) -> Duration:
    nanoseconds = round(seconds * 1e9)
    return Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)
