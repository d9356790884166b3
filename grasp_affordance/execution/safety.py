"""Limits of the arm's motions, checked in software before anything moves.

They keep a wrong calibration, a wrong plan or a defect of ours from driving the arm where nobody
expects it. They are no substitute for the robot's own safety system, which alone is made to keep
people from harm.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.errors import ConfigError, UnreachableError

_AXES = "xyz"


@dataclass(frozen=True)
class Workspace:
    """The box in which the tool centre point stays.

    Attributes:
        lowest, highest: corners (x, y, z) in the base frame, metres.
    """

    lowest: tuple[float, float, float] = (-0.20, -0.85, -0.02)
    highest: tuple[float, float, float] = (0.85, 0.85, 0.80)

    def __post_init__(self) -> None:
        if not all(a < b for a, b in zip(self.lowest, self.highest, strict=True)):
            raise ConfigError(f"workspace from {self.lowest} to {self.highest} m is empty")

    def check(self, T_base_tool: Array, what: str = "the pose") -> None:
        """Raise UnreachableError where the origin of `T_base_tool` (4, 4) is outside the box."""
        position = np.asarray(T_base_tool)[:3, 3]
        for axis, value, low, high in zip(_AXES, position, self.lowest, self.highest, strict=True):
            if not low <= value <= high:  # also refuses NaN
                raise UnreachableError(
                    f"{what} leaves the workspace: {axis} = {value:.3f} m is not between "
                    f"{low:.3f} and {high:.3f} m"
                )


@dataclass(frozen=True)
class JointLimits:
    """Angles and speeds of the joints that our motions may use; narrower than the robot's own.

    Attributes:
        lowest, highest: angles, radians.
        speed: of any joint, rad/s.
    """

    lowest: tuple[float, ...] = (-6.2, -3.2, -3.0, -6.2, -6.2, -6.2)
    highest: tuple[float, ...] = (6.2, 0.1, 3.0, 6.2, 6.2, 6.2)
    speed: float = 3.2

    def __post_init__(self) -> None:
        if len(self.lowest) != len(self.highest):
            raise ConfigError(f"{len(self.lowest)} lowest and {len(self.highest)} highest angles")
        if not all(a < b for a, b in zip(self.lowest, self.highest, strict=True)):
            raise ConfigError(f"joint limits from {self.lowest} to {self.highest} rad are empty")
        if not 0 < self.speed <= 10:
            raise ConfigError(f"joint speed {self.speed} rad/s is not between 0 and 10")

    def check(self, joints: Array, what: str = "the motion") -> None:
        """Raise UnreachableError where angles (..., J), radians, are outside the limits."""
        angles = np.atleast_2d(np.asarray(joints, dtype=np.float64))
        if angles.shape[-1] != len(self.lowest):
            raise UnreachableError(
                f"{what} has {angles.shape[-1]} joints, the limits {len(self.lowest)}"
            )
        within = (angles >= self.lowest) & (angles <= self.highest)
        if not within.all():
            row, joint = np.argwhere(~within)[0]
            raise UnreachableError(
                f"{what} takes joint {joint + 1} to {angles[row, joint]:.2f} rad, outside "
                f"{self.lowest[joint]:.2f} to {self.highest[joint]:.2f} rad"
            )

    def check_speed(self, times: Array, joints: Array, what: str = "the motion") -> None:
        """Raise UnreachableError where angles (N, J) at times (N,) ask for more than `speed`."""
        if len(times) < 2:
            return
        fastest = float(np.abs(np.diff(joints, axis=0) / np.diff(times)[:, None]).max())
        if not fastest <= self.speed:
            raise UnreachableError(
                f"{what} turns a joint at {fastest:.2f} rad/s, more than {self.speed:.2f} rad/s"
            )


def check_path(
    workspace: Workspace,
    joints: Iterable[Array],
    tool_pose: Callable[[Array], Array],
    what: str = "the motion",
) -> None:
    """Raise UnreachableError where a path takes the tool centre point out of the workspace.

    Args:
        joints: angles (J,) along the path, radians; its first is where the arm is now. An arm that
            is outside already may come back: points are refused only where they lie further out.
        tool_pose: returns `T_base_tool` (4, 4) of angles (J,).
    """
    farthest: float | None = None
    for angles in joints:
        pose = tool_pose(angles)
        beyond = _distance_outside(workspace, pose[:3, 3])
        if farthest is None:
            farthest = beyond
        if beyond > farthest + 1e-6 or not np.isfinite(beyond):
            workspace.check(pose, what)
        farthest = min(farthest, beyond)


def _distance_outside(workspace: Workspace, position: Array) -> float:
    """Return how far a point (3,) is outside, metres; 0 inside."""
    over = np.maximum(np.asarray(workspace.lowest) - position, position - workspace.highest)
    return float(np.linalg.norm(np.maximum(over, 0.0)))
