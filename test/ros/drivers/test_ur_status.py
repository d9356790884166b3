"""Every mode in which a UR does not move has a name of its own."""

import pytest

from grasp_affordance.errors import (
    DriverLostError,
    EmergencyStopError,
    ProgramNotRunningError,
    ProtectiveStopError,
)
from grasp_affordance.ros.drivers.ur.ur_status import RobotMode, SafetyMode, StatusConfig, UrStatus


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def running(clock: Clock) -> UrStatus:
    status = UrStatus(StatusConfig(joint_timeout=0.5), clock)
    status.note_robot_mode(RobotMode.RUNNING)
    status.note_safety_mode(SafetyMode.NORMAL)
    status.note_program_running(True)
    status.note_joints()
    return status


def test_a_running_robot_has_no_problem() -> None:
    assert running(Clock()).problem() is None
    running(Clock()).check()


def test_an_arm_without_a_controller_counts_as_running_while_its_joints_are_heard() -> None:
    clock = Clock()
    status = UrStatus(StatusConfig(joint_timeout=0.5), clock)
    status.take_for_running()
    assert isinstance(status.problem(), DriverLostError)
    status.note_joints()
    assert status.problem() is None
    clock.now += 0.6
    assert isinstance(status.problem(), DriverLostError)


def test_reduced_mode_still_moves() -> None:
    status = running(Clock())
    status.note_safety_mode(SafetyMode.REDUCED)
    assert status.problem() is None


@pytest.mark.parametrize("mode", set(SafetyMode) - {SafetyMode.NORMAL, SafetyMode.REDUCED})
def test_every_other_safety_mode_is_a_stop_with_its_name(mode: SafetyMode) -> None:
    status = running(Clock())
    status.note_safety_mode(mode)
    kind = ProtectiveStopError if mode is SafetyMode.PROTECTIVE_STOP else EmergencyStopError
    assert type(status.problem()) is kind
    with pytest.raises(kind):
        status.check()


@pytest.mark.parametrize("mode", set(RobotMode) - {RobotMode.RUNNING})
def test_every_other_robot_mode_is_not_running(mode: RobotMode) -> None:
    status = running(Clock())
    status.note_robot_mode(mode)
    with pytest.raises(ProgramNotRunningError, match=mode.name):
        status.check()


def test_modes_that_a_later_driver_may_add_are_stops_too() -> None:
    status = running(Clock())
    status.note_safety_mode(99)
    assert isinstance(status.problem(), EmergencyStopError)
    status.note_safety_mode(SafetyMode.NORMAL)
    status.note_robot_mode(99)
    assert isinstance(status.problem(), ProgramNotRunningError)


def test_a_program_that_never_reported_does_not_run() -> None:
    status = UrStatus(clock=Clock())
    status.note_joints()
    status.note_robot_mode(RobotMode.RUNNING)
    with pytest.raises(ProgramNotRunningError, match="External Control"):
        status.check()


def test_silence_of_the_joints_is_a_lost_driver_and_nothing_else() -> None:
    clock = Clock()
    status = running(clock)
    clock.now += 0.4
    assert status.problem() is None
    clock.now += 0.2
    status.note_safety_mode(SafetyMode.PROTECTIVE_STOP)  # old news from a driver that is gone
    assert isinstance(status.problem(), DriverLostError)
    status.note_joints()
    assert isinstance(status.problem(), ProtectiveStopError)


def test_the_stop_is_named_before_the_program_that_it_ended() -> None:
    status = running(Clock())
    status.note_program_running(False)
    status.note_safety_mode(SafetyMode.PROTECTIVE_STOP)
    assert isinstance(status.problem(), ProtectiveStopError)


def test_the_latched_topics_may_be_silent_for_ever() -> None:
    clock = Clock()
    status = running(clock)
    for _ in range(1000):
        clock.now += 0.4
        status.note_joints()
    assert status.problem() is None
