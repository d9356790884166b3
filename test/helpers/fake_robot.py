"""FakeRobot: planner, trajectory controller, joint feedback and status without ROS and physics."""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load
from grasp_affordance.cell_description import ContactSign
from grasp_affordance.errors import ArmError
from grasp_affordance.execution.safety import JointLimits, Workspace
from grasp_affordance.ros.drivers.arm.arm_config import ArmConfig
from grasp_affordance.ros.drivers.arm.joint_feedback import JointSample
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory
from grasp_affordance.ros.drivers.arm.trajectory_action import Run
from grasp_affordance.ros.drivers.arm.trajectory_arm import TrajectoryArm

DOWN = np.diag([1.0, -1.0, -1.0, 1.0])
_PERIOD = 0.002  # seconds


class FakeRobot:
    """Three joints that are the tool's x, y and z; moves in a thread of its own.

    Attributes:
        patience: within which a stop of an arm at rest returns, seconds.
    """

    joint_names = ("x", "y", "z")
    patience = 1.0

    def __init__(self) -> None:
        self.joints = np.array([0.3, 0.0, 0.3])
        self.trouble: ArmError | None = None
        self.duration, self.scaling = 0.2, 1.0
        self.planner_offset = self.falls_short = 0.0
        self.accepts = self.obeys = True
        self.silent = False
        self.while_planning: Callable[[], None] = lambda: None
        self.signal: Callable[[], float] = lambda: 0.0
        self.lag: Callable[[], float] = lambda: 0.0
        self.bins: list[BinGeometry] = []
        self.planned_with: list[Load | None] = []  # what was carried on each free motion
        self.planned = self.sent = self.cancelled = 0
        self.progress = 0.0
        self.present = True
        self._velocity = np.zeros(3)
        self._number = 0
        self._trajectory: JointTrajectory | None = None
        self._run = Run()
        self._events: list[tuple[float, Callable[[], None]]] = []
        self._changed = threading.Condition()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._loop)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._thread.join()

    # of the test

    def at_progress(self, progress: float, event: Callable[[], None]) -> None:
        self._events.append((progress, event))

    def wait_for_progress(self, progress: float) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.progress >= progress, 10.0)

    def felt(self) -> float:
        """What the vacuum's sensor says now."""
        return self.signal()

    def still(self) -> bool:
        return not self._velocity.any()

    def end(self, failure: str) -> None:
        """The controller gives up."""
        self._trajectory, self._velocity = None, np.zeros(3)
        self._run.end(failure)

    # Planner

    def tool_pose(self, joints: Array) -> Array:
        T = DOWN.copy()
        T[:3, 3] = joints
        return T

    def check_reachable(self, T_base_tool: Array, near: Array, load: Load | None = None) -> None:
        pass

    def set_bin(self, box: BinGeometry) -> None:
        self.bins.append(box)

    def plan_linear(self, start: Array, T_base_tool: Array, speed: float) -> JointTrajectory:
        return self.plan_joints(start, T_base_tool[:3, 3], speed)

    def plan_free(
        self, start: Array, T_base_tool: Array, share: float, load: Load | None = None
    ) -> JointTrajectory:
        self.planned_with.append(load)
        return self.plan_joints(start, T_base_tool[:3, 3], share)

    def plan_joints(self, start: Array, goal: Array, share: float) -> JointTrajectory:
        self.planned += 1
        self.while_planning()
        times = np.linspace(0.0, self.duration, 11)
        ramp = (1 - np.cos(np.pi * times / self.duration)) / 2
        begin = start + self.planner_offset
        positions = begin + ramp[:, None] * (goal - begin)
        velocities = np.gradient(positions, times, axis=0)
        velocities[[0, -1]] = 0.0
        return JointTrajectory(self.joint_names, times, positions, velocities)

    def close(self) -> None:
        pass

    # TrajectoryAction

    def send(self, trajectory: JointTrajectory) -> Run:
        self.sent += 1
        run = Run()
        self._run = run
        if self.accepts:
            run.accept()
            self._time, self.progress, self._trajectory = 0.0, 0.0, trajectory
        return run

    def cancel(self, timeout: float) -> None:
        self.cancelled += 1
        if self.obeys:
            self.end("cancelled")

    # JointFeedback

    def newest(self) -> JointSample:
        return JointSample(self._number, time.monotonic(), self.joints.copy(), self._velocity)

    def wait(self, after: int, timeout: float) -> JointSample | None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._number > after, timeout):
                return None
        return self.newest()

    def wait_still(self, speed: float, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while np.abs(self._velocity).max() > speed:
            if time.monotonic() > deadline:
                return False
            self._ending.wait(_PERIOD)
        return True

    # Status

    def problem(self) -> ArmError | None:
        return self.trouble

    def _loop(self) -> None:
        while not self._ending.wait(_PERIOD):
            trajectory = self._trajectory
            with self._changed:
                self._number += not self.silent
                self._changed.notify_all()
            if trajectory is None:
                continue
            self._time += _PERIOD * self.scaling
            position, velocity = trajectory.at(self._time)
            with self._changed:
                self.joints, self._velocity = position, velocity * self.scaling
                self.progress = min(1.0, self._time / trajectory.duration)
                self._changed.notify_all()
            self._run.tracking_error = self.lag()
            for due, event in [e for e in self._events if e[0] <= self.progress]:
                self._events.remove((due, event))
                event()
            if self.progress >= 1.0 and self._trajectory is trajectory:
                self.joints = self.joints - self.falls_short
                self.end("")


def arm_of(
    robot: FakeRobot,
    clock: Callable[[], float] = time.monotonic,
    tell_load: Any = None,
    **changes: Any,
) -> TrajectoryArm:
    """Return the arm's driver over a FakeRobot."""
    limits = JointLimits((-2.0, -2.0, -2.0), (2.0, 2.0, 2.0), speed=5.0)
    values: dict[str, Any] = {
        "home": (0.3, 0.0, 0.3),
        "joints": limits,
        "workspace": Workspace((-1.0, -1.0, -1.0), (1.0, 1.0, 1.0)),
        "stop_timeout": 0.6,  # a thread of a busy machine may wait for its turn that long
    }
    config = ArmConfig(**{**values, **changes})
    signals = {ContactSign.VACUUM: robot.felt}
    parts = cast(Any, robot)
    return TrajectoryArm(config, parts, parts, parts, parts, signals, clock, tell_load)
