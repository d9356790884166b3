"""Every motion ends at its goal, or stopped with the reason; nothing starts that must not."""

import threading
import time
from typing import Any, cast

import numpy as np
import pytest
from helpers.fake_robot import DOWN, FakeRobot, arm_of

from grasp_affordance.cell import Load, Motion
from grasp_affordance.cell_description import ContactSign
from grasp_affordance.errors import (
    ArmError,
    CellError,
    DriverLostError,
    ProtectiveStopError,
    StoppedError,
    UnreachableError,
)
from grasp_affordance.execution.safety import Workspace
from grasp_affordance.ros.drivers.arm.contact import ContactConfig

LOAD = Load(mass=0.3, radius=0.1, length=0.05)


def pose(x: float, z: float = 0.3) -> np.ndarray:
    T = DOWN.copy()
    T[:3, 3] = [x, 0.0, z]
    return T


def test_a_motion_ends_at_its_goal() -> None:
    with FakeRobot() as robot:
        arm = arm_of(robot)
        arm.move_to(pose(0.5), linear=True)
        np.testing.assert_allclose(arm.tcp_pose(), pose(0.5), atol=1e-6)
        arm.move_to(pose(0.4))
        arm.home()
        assert robot.sent == 3


def test_a_pose_outside_the_workspace_is_refused_before_anything_is_planned() -> None:
    with FakeRobot() as robot:
        arm = arm_of(robot, workspace=Workspace((0.0, -0.5, 0.0), (0.6, 0.5, 0.8)))
        for move in (arm.move_to, arm.move_until_contact, arm.check_reachable):
            with pytest.raises(UnreachableError, match="workspace"):
                move(pose(0.9))
        assert robot.planned == robot.sent == 0


def test_a_rehearsal_plans_every_motion_from_the_last_ones_end_and_sends_none() -> None:
    with FakeRobot() as robot:
        arm = arm_of(robot)
        line = Motion(pose(0.5, 0.2), linear=True)
        arm.rehearse([Motion(pose(0.5)), line, Motion(pose(0.4), load=LOAD)])
        assert robot.planned_with == [None, LOAD]
        assert (robot.planned, robot.sent) == (3, 0)
        with pytest.raises(UnreachableError, match="workspace"):
            arm.rehearse([Motion(pose(0.5)), Motion(pose(1.5), linear=True)])
        robot.duration = 0.01
        with pytest.raises(UnreachableError, match="rad/s"):
            arm.rehearse([Motion(pose(0.5))])
        assert robot.sent == 0


def test_free_motions_are_planned_with_what_is_carried_once_the_robot_has_taken_it() -> None:
    told: list[Load | None] = []
    with FakeRobot() as robot:
        arm = arm_of(robot, tell_load=told.append)
        arm.move_to(pose(0.5))
        arm.carry(LOAD)
        arm.move_to(pose(0.4))
        arm.carry(None)
        arm.move_to(pose(0.5))
        assert robot.planned_with == [None, LOAD, None]
        assert told == [LOAD, None]


def test_a_robot_that_does_not_take_commands_says_why_rather_than_that_it_refuses_a_load() -> None:
    told: list[Load | None] = []
    with FakeRobot() as robot:
        arm = arm_of(robot, tell_load=told.append)
        robot.trouble = ProtectiveStopError("protective stop")
        with pytest.raises(ProtectiveStopError):
            arm.carry(LOAD)
        assert not told


def test_a_plan_that_starts_elsewhere_is_not_sent() -> None:
    with FakeRobot() as robot:
        robot.planner_offset = 0.1
        with pytest.raises(ArmError, match=r"starts 0\.100 rad"):
            arm_of(robot).move_to(pose(0.5))
        assert robot.sent == 0


def test_a_plan_is_not_sent_when_the_arm_was_moved_while_planning() -> None:
    with FakeRobot() as robot:

        def push() -> None:
            robot.joints = robot.joints + 0.2

        robot.while_planning = push
        with pytest.raises(ArmError, match=r"starts 0\.200 rad"):
            arm_of(robot).move_to(pose(0.5))
        assert robot.sent == 0


def test_a_driver_that_falls_silent_while_planning_is_sent_nothing() -> None:
    with FakeRobot() as robot:
        robot.while_planning = lambda: setattr(robot, "silent", True)
        with pytest.raises(DriverLostError, match="after planning"):
            arm_of(robot).move_to(pose(0.5))
        assert robot.sent == 0


def test_a_plan_that_is_too_fast_is_not_sent() -> None:
    with FakeRobot() as robot:
        robot.duration = 0.01
        with pytest.raises(UnreachableError, match="rad/s"):
            arm_of(robot).move_to(pose(0.5))
        assert robot.sent == 0


def test_a_robot_with_a_problem_is_sent_nothing() -> None:
    with FakeRobot() as robot:
        robot.trouble = ProtectiveStopError("stopped")
        for _ in range(3):
            with pytest.raises(ProtectiveStopError):
                arm_of(robot).move_to(pose(0.5))
        assert robot.sent == 0


def test_a_problem_under_way_ends_the_motion_with_its_name_and_the_goal_cancelled() -> None:
    with FakeRobot() as robot:
        robot.duration = 2.0
        robot.at_progress(0.2, lambda: setattr(robot, "trouble", ProtectiveStopError("stopped")))
        with pytest.raises(ProtectiveStopError):
            arm_of(robot).move_to(pose(0.5))
        assert robot.cancelled == 1
        assert robot.still()


def test_the_status_explains_why_the_controller_gave_up() -> None:
    with FakeRobot() as robot:

        def give_up() -> None:
            robot.end("aborted")
            threading.Timer(
                0.05, lambda: setattr(robot, "trouble", ProtectiveStopError("stopped"))
            ).start()

        robot.duration = 2.0
        robot.at_progress(0.2, give_up)
        with pytest.raises(ProtectiveStopError):
            arm_of(robot).move_to(pose(0.5))


def test_without_an_explanation_the_controllers_own_words_are_reported() -> None:
    with FakeRobot() as robot:
        robot.duration = 2.0
        robot.at_progress(0.2, lambda: robot.end("PATH_TOLERANCE_VIOLATED (-4)"))
        with pytest.raises(ArmError, match="PATH_TOLERANCE_VIOLATED"):
            arm_of(robot).move_to(pose(0.5))
        assert robot.still()


def test_a_stop_between_the_plan_and_the_motion_is_not_forgotten() -> None:
    with FakeRobot() as robot:
        arm = arm_of(robot)
        begin = arm._resting.clear

        def stop_just_before() -> None:
            stopping = threading.Thread(target=arm.stop)
            stopping.start()
            stopping.join()  # it has found the arm at rest
            begin()

        cast(Any, arm._resting).clear = stop_just_before
        with pytest.raises(StoppedError):
            arm.move_to(pose(0.5))
        assert robot.sent == 0


def test_stop_ends_a_motion_and_returns_when_the_joints_stand_still() -> None:
    with FakeRobot() as robot:
        robot.duration = 5.0
        arm = arm_of(robot)
        ended: list[CellError] = []

        def move() -> None:
            with pytest.raises(StoppedError) as caught:
                arm.move_to(pose(0.5))
            ended.append(caught.value)

        thread = threading.Thread(target=move)
        thread.start()
        robot.wait_for_progress(0.1)
        arm.stop()
        assert robot.still()
        thread.join()
        assert ended
        assert robot.cancelled >= 1


def test_a_stop_that_is_not_obeyed_is_an_error() -> None:
    with FakeRobot() as robot:
        robot.duration, robot.obeys = 5.0, False
        robot.at_progress(0.1, lambda: setattr(robot, "trouble", ArmError("a reason")))
        arm = arm_of(robot)
        with pytest.raises(ArmError, match="a reason"):
            arm.move_to(pose(0.5))
        with pytest.raises(ArmError, match="emergency stop"):
            arm.stop()


def test_a_lost_driver_is_never_said_to_stand_still() -> None:
    with FakeRobot() as robot:
        robot.trouble = DriverLostError("silent")
        arm = arm_of(robot)
        with pytest.raises(DriverLostError):
            arm.stop()
        with pytest.raises(DriverLostError):
            arm.tcp_pose()


def test_an_arm_that_does_not_move_is_noticed() -> None:
    with FakeRobot() as robot:
        robot.scaling = 0.0
        with pytest.raises(ArmError, match="has not moved"):
            arm_of(robot, stall_timeout=0.1).move_to(pose(0.5))
        assert robot.cancelled == 1


def test_patience_is_in_the_time_of_the_cell() -> None:
    """A simulation at a tenth of real time needs ten times as long to move a joint."""
    with FakeRobot() as robot:
        robot.scaling = 0.0
        began = time.monotonic()
        arm = arm_of(robot, clock=lambda: time.monotonic() / 10, stall_timeout=0.1)
        with pytest.raises(ArmError, match="has not moved"):
            arm.move_to(pose(0.5))
        assert time.monotonic() - began >= 1.0


def test_a_success_short_of_the_goal_is_not_believed() -> None:
    with FakeRobot() as robot:
        robot.falls_short = 0.05
        with pytest.raises(ArmError, match=r"0\.0500 rad from its goal"):
            arm_of(robot).move_to(pose(0.5))


def test_a_controller_that_does_not_answer_is_noticed() -> None:
    with FakeRobot() as robot:
        robot.accepts = False
        with pytest.raises(ArmError, match="did not take"):
            arm_of(robot, accept_timeout=0.1, stall_timeout=5.0).move_to(pose(0.5))


def test_contact_ends_the_approach_where_it_was_felt() -> None:
    with FakeRobot() as robot:
        robot.duration = 1.0
        robot.signal = lambda: 20.0 if robot.progress > 0.5 else 1.0
        arm = arm_of(robot)
        assert arm.move_until_contact(pose(0.5))
        assert robot.still()
        assert 0.4 < robot.progress < 0.95


def test_an_approach_without_contact_says_so() -> None:
    with FakeRobot() as robot:
        assert not arm_of(robot).move_until_contact(pose(0.5))


def test_a_vacuum_that_was_there_before_is_no_contact() -> None:
    with FakeRobot() as robot:
        robot.signal = lambda: 65.0
        assert not arm_of(robot).move_until_contact(pose(0.5))


def test_a_programmed_depth_counts_as_contact_where_that_is_the_sign() -> None:
    with FakeRobot() as robot:
        contact = ContactConfig(signs=(ContactSign.DEPTH,))
        assert arm_of(robot, contact=contact).move_until_contact(pose(0.5))


def test_a_joint_that_lags_behind_is_contact_where_that_is_the_sign() -> None:
    with FakeRobot() as robot:
        robot.duration = 1.0
        robot.lag = lambda: 0.05 if robot.progress > 0.5 else 0.001
        contact = ContactConfig(signs=(ContactSign.TRACKING,), tracking_error=0.02)
        assert arm_of(robot, contact=contact).move_until_contact(pose(0.5))
        assert robot.progress < 0.95


def test_a_sensor_fault_while_approaching_stops_the_arm() -> None:
    def fail() -> float:
        if robot.progress > 0.3:
            raise CellError("the sensor is stuck")
        return 0.0

    with FakeRobot() as robot:
        robot.duration = 2.0
        robot.signal = fail
        with pytest.raises(CellError, match="stuck"):
            arm_of(robot).move_until_contact(pose(0.5))
        assert robot.still()
        assert robot.cancelled == 1


def test_stop_without_a_motion_returns_at_once() -> None:
    with FakeRobot() as robot:
        began = time.monotonic()
        arm_of(robot).stop()
        assert time.monotonic() - began < cast(Any, robot).patience
