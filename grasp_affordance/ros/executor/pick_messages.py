"""Attempts as messages."""

import math

import numpy as np
from geometry_msgs.msg import Point, Pose
from grasp_affordance_interfaces.msg import PhaseReport, PickResult
from numpy.typing import NDArray

from grasp_affordance.attempt import GraspAttempt, Outcome, Removal
from grasp_affordance.geometry import transform_points
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.common.conversions import (
    to_header_msg,
    to_point_msg,
    to_quaternion_msg,
    to_suction_point_msg,
    to_time_msg,
    to_transform_msg,
)

_OUTCOMES = {
    Outcome.SUCCESS: PickResult.OUTCOME_SUCCESS,
    Outcome.FAILURE: PickResult.OUTCOME_FAILURE,
    Outcome.UNCERTAIN: PickResult.OUTCOME_UNCERTAIN,
    Outcome.ABORTED: PickResult.OUTCOME_ABORTED,
}
_OUTCOME_OF = {number: outcome for outcome, number in _OUTCOMES.items()}


def to_pick_result_msg(
    attempt: GraspAttempt, base_frame_id: str, session: str, record: str = ""
) -> PickResult:
    """Convert an attempt; a pose that is unknown becomes one at NaN without a turn.

    Every number is made a Python float: for another kind the middleware aborts the process.

    Args:
        base_frame_id: name of the robot's base frame.
        session: identifies one run of the executor.
        record: where the attempt is on the disk.
    """
    known = bool(np.isfinite(attempt.T_base_camera).all())
    T_base_camera = attempt.T_base_camera if known else None
    image = attempt.before
    header = to_header_msg(image.stamp_ns if image else 0, image.frame_id if image else "")
    predicted = transform_points(attempt.T_base_camera, attempt.point.position)
    message = PickResult(
        header=to_header_msg(attempt.stamp_ns, base_frame_id),
        session=session,
        index=attempt.index,
        point=to_suction_point_msg(
            attempt.point, header, T_base_camera, base_frame_id, attempt.model_version
        ),
        policy=attempt.policy,
        tool_pose=_to_pose_msg(attempt.T_base_tool),
        outcome=_OUTCOMES[attempt.outcome],
        cause=str(attempt.cause),
        detail=attempt.detail,
        phases=[
            PhaseReport(
                phase=str(report.phase),
                duration=float(report.duration),
                vacuum=float(report.vacuum),
                tcp_height=float(report.tcp_height),
            )
            for report in attempt.phases
        ],
        vacuum_times=attempt.pressure.times.tolist(),
        vacuum=attempt.pressure.vacuum.astype(float).tolist(),
        contact_height=float(attempt.contact_height),
        predicted_height=float(predicted[2]),
        before_stamp=_stamp(attempt.before),
        after_stamp=_stamp(attempt.after),
        record=record,
        true_outcome=str(attempt.true_outcome or ""),
        true_cause=str(attempt.true_cause or ""),
    )
    if T_base_camera is not None:
        message.base_camera = to_transform_msg(T_base_camera)
    _fill_in_removal(message, attempt.removal)
    return message


def from_outcome_number(number: int) -> Outcome:
    """Return the outcome of an OUTCOME_* constant.

    Raises:
        KeyError: the number is none.
    """
    return _OUTCOME_OF[number]


def _stamp(frame: RgbdFrame | None) -> object:
    return to_time_msg(frame.stamp_ns if frame else 0)


def _to_pose_msg(T: NDArray[np.float64]) -> Pose:
    if not np.isfinite(T).all():
        return Pose(position=Point(x=math.nan, y=math.nan, z=math.nan))
    return Pose(position=to_point_msg(T[:3, 3]), orientation=to_quaternion_msg(T))


def _fill_in_removal(message: PickResult, removal: Removal | None) -> None:
    if removal is not None:
        message.difference_known = True
        message.removed_regions = removal.regions
        message.removed_pixels = removal.pixels
        message.removed_volume = float(removal.volume)
