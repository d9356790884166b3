"""A joint trajectory as a value; messages of other packages end where it begins."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.errors import PlanningError

_AT_REST = 1e-3  # rad/s


@dataclass(frozen=True, eq=False)
class JointTrajectory:
    """Where the joints are at which time, from rest to rest.

    Attributes:
        joint_names: J names.
        times: (N,) seconds from the start, the first 0, increasing.
        positions: (N, J) radians.
        velocities: (N, J) rad/s, 0 at the end.

    Raises:
        PlanningError: a planner's answer that is none.
    """

    joint_names: tuple[str, ...]
    times: Array
    positions: Array
    velocities: Array

    def __post_init__(self) -> None:
        shape = (len(self.times), len(self.joint_names))
        if self.positions.shape != shape or self.velocities.shape != shape or shape[0] < 1:
            raise PlanningError(
                f"a trajectory with {shape[0]} times, positions {self.positions.shape} and "
                f"velocities {self.velocities.shape} for {shape[1]} joints"
            )
        numbers = (self.times, self.positions, self.velocities)
        if not all(np.isfinite(values).all() for values in numbers):
            raise PlanningError("a trajectory with numbers that are not finite")
        if self.times[0] < 0 or (np.diff(self.times) <= 0).any():
            raise PlanningError(
                "a trajectory whose times do not increase; is it time-parameterised?"
            )
        if np.abs(self.velocities[-1]).max() > _AT_REST:
            raise PlanningError("a trajectory that does not end at rest")

    @property
    def duration(self) -> float:
        """Seconds."""
        return float(self.times[-1])

    @property
    def end(self) -> Array:
        """(J,) the last angles, radians."""
        return self.positions[-1]

    def at(self, time: float) -> tuple[Array, Array]:
        """Return angles (J,) and velocities (J,) at a time: cubic between the points.

        The same interpolation as that of ros2_control's joint trajectory controller for points
        with positions and velocities.
        """
        if time <= self.times[0]:
            return self.positions[0], self.velocities[0]
        if time >= self.times[-1]:
            return self.positions[-1], np.zeros_like(self.positions[-1])
        k = int(np.searchsorted(self.times, time, side="right")) - 1
        h = self.times[k + 1] - self.times[k]
        s = (time - self.times[k]) / h
        p, q = self.positions[k], self.positions[k + 1]
        u, v = h * self.velocities[k], h * self.velocities[k + 1]
        a, b = 2 * p - 2 * q + u + v, -3 * p + 3 * q - 2 * u - v
        return ((a * s + b) * s + u) * s + p, ((3 * a * s + 2 * b) * s + u) / h

    def from_joints(self, joints: Array) -> float:
        """Return how far the start is from angles (J,): the largest difference, radians."""
        return float(np.abs(self.positions[0] - joints).max())
