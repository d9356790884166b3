"""Attempts become messages that the middleware accepts: it aborts the process on a wrong type."""

from dataclasses import replace

import numpy as np
from grasp_affordance_interfaces.msg import PickResult
from helpers.ros_scenes import box_frame
from rclpy.serialization import deserialize_message, serialize_message

from grasp_affordance.annotation.removal_check import DepthRemovalCheck
from grasp_affordance.attempt import (
    Cause,
    GraspAttempt,
    Outcome,
    Phase,
    PhaseReport,
    PressureTrace,
    Removal,
)
from grasp_affordance.ros.executor.pick_messages import to_pick_result_msg
from grasp_affordance.suction import Source, SuctionPoint

ATTEMPT = GraspAttempt(
    index=3,
    stamp_ns=5,
    point=SuctionPoint(1, 2, np.ones(3), np.array([0.0, 0.0, -1.0]), 0.5, Source.PRIOR),
    T_base_camera=np.eye(4),
    T_base_tool=np.eye(4),
    outcome=Outcome.FAILURE,
    cause=Cause.NO_SEAL,
    phases=(PhaseReport(Phase.SEAL, 1.0, 2.0, 0.25),),
    pressure=PressureTrace(np.array([0.0]), np.array([1.5], np.float32)),
    contact_height=0.5,
)


def sent(attempt: GraspAttempt) -> PickResult:
    """The message as it arrives."""
    message = to_pick_result_msg(attempt, "base", "session")
    return deserialize_message(serialize_message(message), PickResult)


def test_a_removal_check_that_saw_nothing_leave_can_be_sent() -> None:
    frame = box_frame()
    again = replace(frame, stamp_ns=frame.stamp_ns + 1)
    removal = DepthRemovalCheck()(frame, again)
    assert removal is not None
    assert removal.regions == 0
    assert isinstance(removal.volume, float)
    assert sent(replace(ATTEMPT, removal=removal)).removed_volume == 0.0


def test_numbers_of_any_kind_arrive_as_they_are() -> None:
    report = PhaseReport(Phase.SEAL, 1, np.float32(2.5), np.float32(0.5))  # type: ignore[arg-type]
    odd = replace(ATTEMPT, contact_height=1, removal=Removal(0, 0, 3), phases=(report,))
    message = sent(odd)
    assert (message.contact_height, message.removed_volume) == (1.0, 3.0)
    phase = message.phases[0]
    assert (phase.duration, phase.vacuum, phase.tcp_height) == (1.0, 2.5, 0.5)
