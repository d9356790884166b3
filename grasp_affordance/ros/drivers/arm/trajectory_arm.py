"""`cell.Arm` over a planner, a trajectory controller and the robot's status.

Every motion: status checked, planned, checked against our own limits, sent, watched, verified. It
ends in one of three ways: the joints are where they should be and still; an exception with its
reason, the goal cancelled and the joints still; or an exception that says that nobody knows whether
they are.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load, Motion
from grasp_affordance.cell_description import ContactSign
from grasp_affordance.errors import ArmError, CellError, DriverLostError, StoppedError
from grasp_affordance.execution.safety import check_path
from grasp_affordance.ros.drivers.arm.arm_config import ArmConfig
from grasp_affordance.ros.drivers.arm.contact import ContactWatch, Signal
from grasp_affordance.ros.drivers.arm.joint_feedback import JointFeedback
from grasp_affordance.ros.drivers.arm.planner import Planner
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory
from grasp_affordance.ros.drivers.arm.trajectory_action import Run, TrajectoryAction

Plan = Callable[[Array], JointTrajectory]
TellLoad = Callable[[Load | None], None]

_log = logging.getLogger(__name__)

_POLL = 0.005  # seconds between looks while something moves
_MOVED = 2e-4  # radians that count as movement
_EXPLANATION = 0.5  # seconds for the status to say why the controller gave up
_CHECKED_POINTS = 40  # of a path, for the workspace
_FRESH_SAMPLES = 2  # joint states that must come between planning and moving


class Status(Protocol):
    """Whether the robot takes commands."""

    def problem(self) -> ArmError | None:
        """Return why it does not; None where it does."""


class TrajectoryArm:
    """One motion at a time; `stop` and the queries from any thread."""

    def __init__(
        self,
        config: ArmConfig,
        planner: Planner,
        action: TrajectoryAction,
        feedback: JointFeedback,
        status: Status,
        signals: Mapping[ContactSign, Signal],
        clock: Callable[[], float] = time.monotonic,
        tell_load: TellLoad | None = None,
    ) -> None:
        """Use these parts.

        Args:
            signals: of contact that are not the arm's own, such as the vacuum.
            clock: seconds, for timeouts.
            tell_load: has the robot balance a load, or the tool alone; raises ArmError where it
                refuses. None where the robot is told nothing.
        """
        self._clock, self._tell_load = clock, tell_load
        self._load: Load | None = None
        self._config, self._planner, self._action = config, planner, action
        self._feedback, self._status = feedback, status
        self._signals = dict(signals)
        self._run = Run()
        self._signals[ContactSign.TRACKING] = lambda: self._run.tracking_error
        self._planning = threading.RLock()
        self._stop = threading.Event()
        self._resting = threading.Event()
        self._resting.set()
        self._mover: int | None = None

    def tcp_pose(self) -> Array:
        """Return `T_base_tool` (4, 4); raises ArmError where the joints are not known."""
        problem = self._status.problem()
        if isinstance(problem, DriverLostError):
            raise problem
        with self._planning:
            return self._planner.tool_pose(self._feedback.newest().positions)

    def check_reachable(self, T_base_tool: Array, load: Load | None = None) -> None:
        """Raise UnreachableError unless workspace and planner allow the pose."""
        self._config.workspace.check(T_base_tool)
        with self._planning:
            self._planner.check_reachable(T_base_tool, np.array(self._config.home), load)

    def rehearse(self, motions: Sequence[Motion]) -> None:
        """See `cell.Arm`: plans from where the joints are, each motion from the last one's end."""
        config, planner = self._config, self._planner
        with self._planning:
            start = self._feedback.newest().positions
            for motion in motions:
                T_base_tool = motion.T_base_tool
                config.workspace.check(T_base_tool)
                trajectory = (
                    planner.plan_linear(start, T_base_tool, config.linear_speed)
                    if motion.linear
                    else planner.plan_free(start, T_base_tool, config.speed, motion.load)
                )
                self._check(trajectory, start)
                start = trajectory.end

    def set_bin(self, box: BinGeometry) -> None:
        """See `cell.Arm`."""
        with self._planning:
            self._planner.set_bin(box)

    def carry(self, load: Load | None) -> None:
        """See `cell.Arm`."""
        self._check_status()
        if self._tell_load is not None:
            self._tell_load(load)
        self._load = load

    def move_to(self, T_base_tool: Array, *, linear: bool = False) -> None:
        """See `cell.Arm`; a free motion avoids what the planner knows of the cell."""
        config, planner = self._config, self._planner
        config.workspace.check(T_base_tool)
        if linear:
            self._move(lambda start: planner.plan_linear(start, T_base_tool, config.linear_speed))
        else:
            load = self._load
            self._move(lambda start: planner.plan_free(start, T_base_tool, config.speed, load))

    def move_until_contact(self, T_base_tool: Array) -> bool:
        """See `cell.Arm`; what counts as contact is `contact.signs`."""
        config, planner = self._config, self._planner
        config.workspace.check(T_base_tool)
        self._run = Run()
        watch = ContactWatch(config.contact, self._signals)
        touched = self._move(
            lambda start: planner.plan_linear(start, T_base_tool, config.contact_speed),
            watch.touched,
        )
        return touched or config.contact.at_the_end

    def home(self) -> None:
        """See `cell.Arm`."""
        home = np.array(self._config.home)
        self._move(lambda start: self._planner.plan_joints(start, home, self._config.speed))

    def stop(self) -> None:
        """Cancel whatever the controller does, and return when the joints stand still.

        Raises:
            ArmError: they do not, or nobody can tell. The emergency stop is next.
        """
        self._stop.set()
        if self._resting.is_set() or self._mover == threading.get_ident():
            self._bring_to_rest()
            return
        deadline = self._clock() + 2 * self._config.stop_timeout
        while not self._resting.wait(_POLL):
            if self._clock() > deadline:
                raise ArmError("the motion under way does not end; use the emergency stop")

    def _move(self, plan: Plan, until: Callable[[], bool] | None = None) -> bool:
        """Plan and execute; return whether `until` became true, which ends the motion."""
        self._stop.clear()
        self._check_status()
        with self._planning:
            trajectory = plan(self._feedback.newest().positions)
            self._check(trajectory, self._joints_after_planning())
        self._mover = threading.get_ident()
        self._resting.clear()  # a stop that comes from here on waits for this motion
        try:
            if self._stop.is_set():
                raise StoppedError("stopped while planning; nothing has moved")
            return self._execute(trajectory, until)
        finally:
            self._mover = None
            self._resting.set()

    def _joints_after_planning(self) -> Array:
        """Return where the joints are now, by states that came after the plan.

        moveit_py keeps Python from running while it plans: what came meanwhile nobody has looked
        at. The driver is not lost because of that, and the arm may have been moved by hand.
        """
        sample = self._feedback.newest()
        for _ in range(_FRESH_SAMPLES):
            fresh = self._feedback.wait(sample.number, self._config.stop_timeout)
            if fresh is None:
                raise self._status.problem() or DriverLostError(
                    f"no joint states for {self._config.stop_timeout:.1f} s after planning: the "
                    "driver or its network is gone"
                )
            sample = fresh
        return sample.positions

    def _check(self, trajectory: JointTrajectory, start: Array) -> None:
        """Raise UnreachableError or ArmError where a trajectory must not be executed."""
        away = trajectory.from_joints(start)
        if away > self._config.start_tolerance:
            raise ArmError(f"the plan starts {away:.3f} rad from where the arm is")
        limits = self._config.joints
        limits.check(trajectory.positions[1:])
        limits.check_speed(trajectory.times, trajectory.positions)
        rows = np.linspace(0, len(trajectory.times) - 1, _CHECKED_POINTS).round().astype(int)
        path = trajectory.positions[np.unique(rows)]
        check_path(self._config.workspace, path, self._planner.tool_pose)

    def _execute(self, trajectory: JointTrajectory, until: Callable[[], bool] | None) -> bool:
        if not self._action.present:
            raise DriverLostError(
                "the trajectory controller is not there; is it loaded and active?"
            )
        self._run = run = self._action.send(trajectory)
        try:
            if self._watch(run, until):
                self._bring_to_rest()
                return True
        except CellError as error:
            self._stop_after(error)
            raise
        self._verify(trajectory)
        return until is not None and until()

    def _watch(self, run: Run, until: Callable[[], bool] | None) -> bool:
        """Return True once `until` holds, False at the goal; raise what else ends the motion."""
        sent = moved_at = self._clock()
        last = self._feedback.newest().positions
        while not run.wait(_POLL):
            self._check_interrupted()
            if until is not None and until():
                return True
            now, positions = self._clock(), self._feedback.newest().positions
            if not run.accepted:
                moved_at = now
                if now - sent > self._config.accept_timeout:
                    raise ArmError(
                        f"the controller did not take the trajectory within "
                        f"{self._config.accept_timeout:.1f} s"
                    )
            if np.abs(positions - last).max() > _MOVED:
                last, moved_at = positions, now
            elif now - moved_at > self._config.stall_timeout:
                raise ArmError(
                    f"the arm has not moved for {self._config.stall_timeout:.1f} s: is the speed "
                    "slider at 0, or the program paused on the pendant?"
                )
        if run.failure:
            raise self._explained(run.failure)
        self._check_interrupted()
        return False

    def _check_interrupted(self) -> None:
        if self._stop.is_set():
            raise StoppedError("the motion was stopped by a call of stop()")
        self._check_status()

    def _check_status(self) -> None:
        problem = self._status.problem()
        if problem is not None:
            raise problem

    def _explained(self, failure: str) -> CellError:
        """Return why the controller gave up: the robot's status often says it a little later."""
        deadline = self._clock() + _EXPLANATION
        while self._clock() < deadline:
            if self._stop.is_set():
                return StoppedError("the motion was stopped by a call of stop()")
            problem = self._status.problem()
            if problem is not None:
                return problem
            threading.Event().wait(_POLL)
        return ArmError(failure)

    def _stop_after(self, error: CellError) -> None:
        """Bring the arm to rest after an error, which stays the one that is reported."""
        try:
            self._bring_to_rest()
        except ArmError:
            _log.exception("after '%s' the arm did not confirm that it stands still", error)

    def _bring_to_rest(self) -> None:
        """Cancel all goals and wait until the joints stand still; raise ArmError otherwise."""
        config = self._config
        problem = self._status.problem()
        if isinstance(problem, DriverLostError):
            raise problem  # nothing listens, and nothing says whether the arm moves
        if self._action.present:
            self._action.cancel(config.stop_timeout)
        if self._feedback.wait_still(config.still_speed, config.stop_timeout):
            return
        problem = self._status.problem()
        if isinstance(problem, DriverLostError):
            raise problem
        raise ArmError(
            f"the joints do not stand still {config.stop_timeout:.1f} s after the stop; use the "
            "emergency stop"
        )

    def _verify(self, trajectory: JointTrajectory) -> None:
        """Raise ArmError unless the arm stands at the end of a motion.

        The driver's own tolerance for success is 0.1 rad, far more than a cup forgives.
        """
        config = self._config
        if not self._feedback.wait_still(config.still_speed, config.stop_timeout):
            raise self._explained("the motion ended, but the joints do not stand still")
        away = float(np.abs(self._feedback.newest().positions - trajectory.end).max())
        if away > config.goal_tolerance:
            raise ArmError(
                f"the controller reports success, but a joint is {away:.4f} rad from its goal"
            )
