"""The action `follow_joint_trajectory` over a `ScaledController`."""

from typing import Any

import numpy as np
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectoryPoint

from grasp_affordance.errors import PlanningError
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory
from grasp_affordance.ros.drivers.foreign import require
from standin.controller import End, Goal, Tolerances
from standin.machine import Machine

_FEEDBACK_PERIOD = 0.05  # seconds: the driver's action_monitor_rate of 20 Hz


class TrajectoryServer:
    """Takes goals while the robot's program runs, as the real controller is active only then."""

    def __init__(self, node: Node, machine: Machine, joint_names: tuple[str, ...]) -> None:
        """Serve below /scaled_joint_trajectory_controller.

        Raises:
            ConfigError: control_msgs is not installed.
        """
        self._node, self._machine, self._names = node, machine, joint_names
        self._action: Any = require(
            "control_msgs.action", "control_msgs", "the stand-in"
        ).FollowJointTrajectory
        self._server = ActionServer(
            node,
            self._action,
            "scaled_joint_trajectory_controller/follow_joint_trajectory",
            execute_callback=self._execute,
            goal_callback=self._accept,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def close(self) -> None:
        """Take the action out of the graph."""
        self._server.destroy()

    def _accept(self, goal: Any) -> GoalResponse:
        reason = "" if self._machine.robot.takes_commands else "controller is not running"
        if not reason:
            reason = self._flaw(goal.trajectory)
        if reason:
            self._node.get_logger().error(f"Can't accept new action goals. {reason}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _flaw(self, message: Any) -> str:
        """Return why the controller would refuse a trajectory; empty where it would not."""
        if sorted(message.joint_names) != sorted(self._names):
            return f"Joints {list(message.joint_names)} are not the controller's."
        try:
            self._read(message)
        except PlanningError as error:
            return str(error)
        return ""

    def _read(self, message: Any) -> JointTrajectory:
        order = [list(message.joint_names).index(name) for name in self._names]
        times = [p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in message.points]
        positions = np.array([np.array(p.positions)[order] for p in message.points])
        velocities = np.array([np.array(p.velocities)[order] for p in message.points])
        return JointTrajectory(self._names, np.array(times), positions, velocities)

    def _execute(self, handle: Any) -> Any:
        request = handle.request
        goal = self._machine.controller.start(self._read(request.trajectory), _tolerances(request))
        while not goal.wait(_FEEDBACK_PERIOD):
            if handle.is_cancel_requested:
                self._machine.controller.give_up(End.CANCELED)
            handle.publish_feedback(self._feedback(goal))
        result = self._action.Result(error_code=goal.code, error_string=goal.text)
        if goal.end is End.SUCCEEDED:
            handle.succeed()
        elif goal.end is End.CANCELED and handle.is_cancel_requested:
            handle.canceled()
        else:
            handle.abort()
        return result

    def _feedback(self, goal: Goal) -> Any:
        desired, _ = goal.trajectory.at(goal.time)
        actual = self._machine.joints
        return self._action.Feedback(
            joint_names=list(self._names),
            desired=JointTrajectoryPoint(positions=desired.tolist()),
            actual=JointTrajectoryPoint(positions=actual.tolist()),
            error=JointTrajectoryPoint(positions=(desired - actual).tolist()),
        )


def _tolerances(request: Any) -> Tolerances:
    """Return the goal's tolerances; 0 and missing ones mean the controller's defaults."""
    default = Tolerances()
    goal = [t.position for t in request.goal_tolerance if t.position > 0]
    path = [t.position for t in request.path_tolerance if t.position > 0]
    time = request.goal_time_tolerance
    return Tolerances(
        path=min(path, default=default.path),
        goal=min(goal, default=default.goal),
        goal_time=time.sec + time.nanosec * 1e-9,
    )
