"""A trajectory is what a controller can follow, and the controller's stand-in follows it."""

import numpy as np
import pytest
from standin.controller import (
    GOAL_TOLERANCE_VIOLATED,
    PATH_TOLERANCE_VIOLATED,
    End,
    ScaledController,
    Tolerances,
)

from grasp_affordance.errors import PlanningError
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory

NAMES = ("a", "b")
PERIOD = 0.01


def trajectory(duration: float = 1.0) -> JointTrajectory:
    """A cosine ramp of joint a by one radian and of joint b by minus two."""
    times = np.linspace(0.0, duration, 21)
    phase = np.pi * times / duration
    ramp = (1 - np.cos(phase)) / 2
    speed = np.pi / duration * np.sin(phase) / 2
    scale = np.array([1.0, -2.0])
    return JointTrajectory(NAMES, times, ramp[:, None] * scale, speed[:, None] * scale)


def follow(
    controller: ScaledController, steps: int, scaling: float = 1.0, blocked: bool = False
) -> np.ndarray:
    """Step with an arm that goes where it is told (or is blocked); return where it ends."""
    actual = np.zeros(2)
    for _ in range(steps):
        target, _ = controller.step(PERIOD, scaling, actual)
        actual = actual if blocked else target
    return actual


def test_the_interpolation_passes_through_the_points_with_their_velocities() -> None:
    path = trajectory()
    for t, p, v in zip(path.times, path.positions, path.velocities, strict=True):
        position, velocity = path.at(float(t))
        np.testing.assert_allclose(position, p, atol=1e-9)
        np.testing.assert_allclose(velocity, v, atol=1e-9)


def test_the_velocity_is_the_derivative_of_the_position() -> None:
    path = trajectory()
    for t in np.linspace(0.01, 0.98, 50):
        slope = (path.at(t + 1e-6)[0] - path.at(t - 1e-6)[0]) / 2e-6
        np.testing.assert_allclose(path.at(t)[1], slope, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times": np.array([0.0, 1.0, 1.0])}, "do not increase"),
        ({"positions": np.array([[0.0, 0], [np.nan, 0], [1, 1]])}, "not finite"),
        ({"velocities": np.ones((3, 2))}, "end at rest"),
        ({"positions": np.zeros((3, 3))}, "positions"),
        ({"times": np.zeros(0)}, "0 times"),
    ],
)
def test_an_answer_that_is_no_trajectory_is_refused(
    change: dict[str, np.ndarray], words: str
) -> None:
    good = {
        "times": np.array([0.0, 0.5, 1.0]),
        "positions": np.zeros((3, 2)),
        "velocities": np.zeros((3, 2)),
    }
    JointTrajectory(NAMES, **good)
    with pytest.raises(PlanningError, match=words):
        JointTrajectory(NAMES, **{**good, **change})


def test_the_controller_reaches_the_goal_and_holds_it() -> None:
    controller = ScaledController(np.zeros(2))
    goal = controller.start(trajectory(), Tolerances(goal=0.01))
    actual = follow(controller, 103)
    assert goal.end is End.SUCCEEDED
    np.testing.assert_allclose(actual, [1.0, -2.0], atol=1e-9)
    np.testing.assert_allclose(controller.step(PERIOD, 1.0, actual)[0], [1.0, -2.0])


@pytest.mark.parametrize("scaling", [0.25, 0.5])
def test_time_runs_with_the_speed_scaling(scaling: float) -> None:
    controller = ScaledController(np.zeros(2))
    goal = controller.start(trajectory(), Tolerances())
    follow(controller, 50, scaling)
    assert goal.end is None
    assert goal.time == pytest.approx(50 * PERIOD * scaling)


def test_at_zero_speed_nothing_ends() -> None:
    controller = ScaledController(np.zeros(2))
    goal = controller.start(trajectory(), Tolerances(goal_time=0.1))
    follow(controller, 1000, scaling=0.0)
    assert goal.end is None


def test_a_blocked_arm_violates_its_path() -> None:
    controller = ScaledController(np.zeros(2))
    goal = controller.start(trajectory(), Tolerances(path=0.2))
    follow(controller, 103, blocked=True)
    assert (goal.end, goal.code) == (End.ABORTED, PATH_TOLERANCE_VIOLATED)


def test_an_arm_short_of_its_goal_is_aborted_only_where_a_time_is_set() -> None:
    for goal_time, end in ((0.0, None), (0.2, End.ABORTED)):
        controller = ScaledController(np.zeros(2))
        goal = controller.start(trajectory(), Tolerances(path=9, goal=0.1, goal_time=goal_time))
        follow(controller, 300, blocked=True)
        assert goal.end is end
        assert goal.code == (GOAL_TOLERANCE_VIOLATED if end else 0)


def test_a_cancelled_goal_holds_where_the_arm_is() -> None:
    controller = ScaledController(np.zeros(2))
    goal = controller.start(trajectory(), Tolerances())
    actual = follow(controller, 40)
    controller.give_up(End.CANCELED)
    assert goal.end is End.CANCELED
    held, velocity = controller.step(PERIOD, 1.0, actual)
    assert np.abs(held - actual).max() < 0.05
    assert not velocity.any()


def test_a_new_goal_ends_the_one_under_way() -> None:
    controller = ScaledController(np.zeros(2))
    first = controller.start(trajectory(), Tolerances())
    second = controller.start(trajectory(), Tolerances())
    assert first.end is End.ABORTED
    assert second.end is None
    assert controller.started == 2
