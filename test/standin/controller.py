"""What ros2_control's scaled joint trajectory controller does with a trajectory, without ROS.

Follows the documented behaviour of `joint_trajectory_controller` and of the UR driver's scaled
variant: the trajectory's time runs with the robot's speed scaling, a joint too far from its plan
aborts the goal, the goal counts as reached within its tolerances, and whatever ends a goal early
makes the controller hold the joints where they are.
"""

import threading
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory

PATH_TOLERANCE_VIOLATED, GOAL_TOLERANCE_VIOLATED, INVALID_GOAL = -4, -5, -1


class End(Enum):
    """How a goal ended."""

    SUCCEEDED = auto()
    ABORTED = auto()
    CANCELED = auto()


@dataclass(frozen=True)
class Tolerances:
    """Of one goal; the defaults are those of the UR driver's controllers.

    Attributes:
        path: of every joint on the way, radians.
        goal: of every joint at the end, radians.
        goal_time: after the end of the trajectory, seconds; 0 waits for ever.
    """

    path: float = 0.2
    goal: float = 0.1
    goal_time: float = 0.0


class Goal:
    """A trajectory that the controller follows.

    Attributes:
        trajectory, tolerances: as given.
        time: reached in the trajectory, seconds.
        error: of the joints at present, (J,) radians: plan minus actual.
        end, code, text: how it ended; `end` is None before.
    """

    def __init__(self, trajectory: JointTrajectory, tolerances: Tolerances) -> None:
        self.trajectory, self.tolerances = trajectory, tolerances
        self.time = 0.0
        self.error: Array = np.zeros(len(trajectory.joint_names))
        self.end: End | None = None
        self.code, self.text = 0, ""
        self._ended = threading.Event()

    @property
    def progress(self) -> float:
        """Share of the trajectory's time that has passed."""
        return min(1.0, self.time / max(self.trajectory.duration, 1e-9))

    def finish(self, end: End, code: int = 0, text: str = "") -> None:
        """Note how it ended; the first word counts."""
        if self.end is None:
            self.end, self.code, self.text = end, code, text
            self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Wait for the end; return whether it has come."""
        return self._ended.wait(seconds)


class ScaledController:
    """Follows one goal at a time; `step` runs in the control loop, the rest in any thread."""

    def __init__(self, joints: Array) -> None:
        """Hold angles (J,)."""
        self._lock = threading.Lock()
        self._held = joints.copy()
        self._goal: Goal | None = None
        self._actual = joints.copy()
        self.started = 0

    @property
    def goal(self) -> Goal | None:
        """The goal under way."""
        return self._goal

    def start(self, trajectory: JointTrajectory, tolerances: Tolerances) -> Goal:
        """Follow a trajectory from now on; one under way is aborted."""
        goal = Goal(trajectory, tolerances)
        with self._lock:
            if self._goal is not None:
                self._goal.finish(End.ABORTED, INVALID_GOAL, "preempted by a new goal")
            self._goal = goal
            self.started += 1
        return goal

    def give_up(self, end: End, code: int = 0, text: str = "") -> None:
        """End the goal under way, if any, and hold the joints where they are."""
        with self._lock:
            self._leave(end, code, text)

    def hold(self, joints: Array) -> None:
        """Hold angles (J,): the arm was moved by other means."""
        with self._lock:
            self._leave(End.ABORTED, INVALID_GOAL, "the controller was restarted")
            self._held, self._actual = joints.copy(), joints.copy()

    def step(self, period: float, scaling: float, actual: Array) -> tuple[Array, Array]:
        """Return the angles (J,) and velocities (J,) to command for the next period.

        Args:
            period: seconds.
            scaling: of the trajectory's time; 0 stands still on it.
            actual: angles now.
        """
        with self._lock:
            self._actual = actual.copy()
            goal = self._goal
            if goal is None:
                return self._held, np.zeros_like(self._held)
            planned, _ = goal.trajectory.at(goal.time)
            goal.error = planned - actual
            self._evaluate(goal)
            if self._goal is None:
                return self._held, np.zeros_like(self._held)
            goal.time += period * scaling
            target, velocity = goal.trajectory.at(goal.time)
            return target, velocity * scaling

    def _evaluate(self, goal: Goal) -> None:
        """End the goal where the controller would; the lock is held."""
        error = float(np.abs(goal.error).max())
        late = goal.time - goal.trajectory.duration
        limits = goal.tolerances
        if late < 0:
            if error > limits.path:
                text = f"a joint is {error:.3f} rad from its path"
                self._leave(End.ABORTED, PATH_TOLERANCE_VIOLATED, text)
            return
        if error <= limits.goal:
            self._held, self._goal = goal.trajectory.end.copy(), None
            goal.finish(End.SUCCEEDED, text="Goal successfully reached!")
        elif limits.goal_time and late > limits.goal_time:
            text = f"a joint is {error:.3f} rad from its goal after {late:.2f} s"
            self._leave(End.ABORTED, GOAL_TOLERANCE_VIOLATED, text)

    def _leave(self, end: End, code: int, text: str) -> None:
        if self._goal is not None:
            self._goal.finish(end, code, text)
            self._goal, self._held = None, self._actual.copy()
