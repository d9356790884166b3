"""The action `~/pick`: one pick, with feedback, cancelled at any instant.

A dry run shows the way that it has planned on `~/plan`.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from grasp_affordance_interfaces.action import Pick
from grasp_affordance_interfaces.msg import SuctionPoint as SuctionPointMsg
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node

from grasp_affordance.attempt import Cause
from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.execution.cancellation import Cancellation
from grasp_affordance.execution.picker import PickReport
from grasp_affordance.execution.proposal import PickRequest
from grasp_affordance.execution.recorder import Progress
from grasp_affordance.geometry import invert, rotate_vectors, transform_points
from grasp_affordance.ros.common.conversions import (
    from_point_msg,
    from_suction_point_msg,
    to_header_msg,
    to_point_msg,
    to_rejection_msgs,
    to_suction_point_msg,
    to_vector_msg,
)
from grasp_affordance.ros.executor.pick_session import PickSession
from grasp_affordance.ros.executor.plan_view import PlanView
from grasp_affordance.suction import SuctionPoint

_CANCEL_PATIENCE = 2.0  # seconds for rclpy to note a cancellation that we have obeyed already


class PickAction:
    """Serves goals one at a time; refuses them while the node is inactive or the arm in use."""

    def __init__(
        self,
        node: Node,
        session: PickSession,
        why_inactive: Callable[[], str],
        stop_timeout: float,
        plan: PlanView,
    ) -> None:
        self._node = node
        self._session = session
        self._why_inactive = why_inactive
        self._stop_timeout = stop_timeout
        self._plan = plan
        self._server = ActionServer(
            node,
            Pick,
            "~/pick",
            execute_callback=self._execute,
            goal_callback=self._accept,
            cancel_callback=self._cancel,
            callback_group=ReentrantCallbackGroup(),
        )

    def close(self) -> None:
        """Take the action out of the graph."""
        self._server.destroy()

    def _accept(self, goal: Pick.Goal) -> GoalResponse:
        reason = self._why_inactive()
        if not reason and self._session.activity.busy:
            reason = "the arm is at work; one pick at a time"
        if not reason and goal.mode not in (Pick.Goal.MODE_BEST, Pick.Goal.MODE_POINT):
            reason = f"mode {goal.mode} is none of MODE_*"
        if reason:
            self._node.get_logger().warning(f"goal rejected: {reason}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _cancel(self, _: Any) -> CancelResponse:
        # In a thread of its own: the goal becomes a cancelled one only after this returns.
        stop = threading.Thread(
            target=self._session.activity.stop,
            args=(Cause.CANCELLED, "the goal was cancelled", self._stop_timeout),
            name="cancel",
        )
        stop.start()
        return CancelResponse.ACCEPT

    def _execute(self, goal_handle: Any) -> Pick.Result:
        activity = self._session.activity
        with activity.acquire() as acquired:
            cancellation = activity.begin() if acquired else None
            if cancellation is None:
                goal_handle.abort()
                return Pick.Result(message="the arm is at work; one pick at a time")
            report = self._pick(goal_handle, cancellation)
            told = self._session.publish(report)
            if report.planned_path:
                self._plan.show(report.planned_path)
            rehearsed = goal_handle.request.dry_run and report.attempt is None and report.point
            picked = report.attempt is not None and report.attempt.succeeded
            message = _of_dry_run(report) if rehearsed else report.message
            result = Pick.Result(
                success=picked or bool(rehearsed),
                message=self._session.record.blocking_reason() or message,
                result=told,
                attempted=report.attempt is not None and bool(report.attempt.phases),
                rejections=to_rejection_msgs(report.rejections),
            )
        cancelled = cancellation.requested and cancellation.cause is Cause.CANCELLED
        if cancelled and _becomes_true(lambda: goal_handle.is_cancel_requested):
            goal_handle.canceled()
        elif result.success:
            goal_handle.succeed()
        else:
            goal_handle.abort()
        return result

    def _pick(self, goal_handle: Any, cancellation: Cancellation) -> PickReport:
        goal: Pick.Goal = goal_handle.request
        request = PickRequest(goal.minimum_probability, goal.along_normal, goal.dry_run)
        picker = self._session.picker

        def feed_back(point: SuctionPoint, progress: Progress) -> None:
            goal_handle.publish_feedback(
                Pick.Feedback(
                    phase=str(progress.phase),
                    elapsed=float(progress.elapsed),
                    vacuum=float(progress.vacuum),
                    tcp_height=float(progress.tcp_height),
                    point=to_suction_point_msg(point, to_header_msg(0, "")),
                )
            )

        if goal.mode == Pick.Goal.MODE_BEST:
            return picker.pick_best(request, cancellation, feed_back)
        try:
            T_base_camera = picker.cell.camera.pose()
            point = _given_point(goal.point, T_base_camera)
        except GraspAffordanceError as error:
            return PickReport(message=f"{type(error).__name__}: {error}")
        return picker.pick_at(point, T_base_camera, request, cancellation, feed_back)


def _given_point(message: SuctionPointMsg, T_base_camera: Any) -> SuctionPoint:
    """Return a caller's point in the camera frame; without a normal it faces up."""
    if message.in_base:
        T_camera_base = invert(T_base_camera)
        position = transform_points(T_camera_base, from_point_msg(message.position_base))
        normal = rotate_vectors(T_camera_base, from_point_msg(message.normal_base))
        message.position, message.normal = to_point_msg(position), to_vector_msg(normal)
    if not from_point_msg(message.normal).any():
        message.normal = to_vector_msg(rotate_vectors(invert(T_base_camera), (0.0, 0.0, 1.0)))
    return from_suction_point_msg(message)


def _of_dry_run(report: PickReport) -> str:
    """Return what a dry run has found: the point, what it promises, and the way to it."""
    point = report.point
    assert point is not None
    planned_path = " -> ".join(
        f"({x:.3f}, {y:.3f}, {z:.3f})"
        for x, y, z in (T[:3, 3].tolist() for T in report.planned_path)
    )
    return (
        f"would pick at pixel ({point.u}, {point.v}), probability {point.probability:.2f} "
        f"({point.source}); the tool's way in the base frame, metres: {planned_path}"
    )


def _becomes_true(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _CANCEL_PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()
