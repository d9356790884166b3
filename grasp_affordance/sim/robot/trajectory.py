"""Timing of a path: cosine ramps up to a speed and down again, along joint waypoints."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from grasp_affordance.geometry import Array


@dataclass(frozen=True)
class SpeedProfile:
    """Distance over time with smooth ramps, from rest to rest.

    Attributes:
        length: of the path, in its own unit.
        speed: reached between the ramps, unit/s.
        ramp, brake: durations of the first and the last ramp, seconds.
        duration: of the whole, seconds.
    """

    length: float
    speed: float
    ramp: float
    brake: float
    duration: float

    @classmethod
    def plan(
        cls, length: float, speed: float, acceleration: float, braking: float | None = None
    ) -> Self:
        """Return the fastest profile whose mean ramp accelerations are within the limits.

        `braking` is that of the last ramp; None stands for `acceleration`.
        """
        braking = braking or acceleration
        both = 1 / acceleration + 1 / braking
        reached = min(speed, float(np.sqrt(2 * max(length, 0.0) / both)))
        if reached <= 0.0:
            return cls(0.0, 0.0, 0.0, 0.0, 0.0)
        ramp, brake = reached / acceleration, reached / braking
        return cls(length, reached, ramp, brake, length / reached + (ramp + brake) / 2)

    def distance(self, time: float) -> float:
        """Return the distance travelled at a time."""
        if time >= self.duration or self.ramp == 0.0:
            return self.length
        left = self.duration - time
        if left < self.brake:
            return self.length - self._ramped(left, self.brake)
        started = self._ramped(min(max(time, 0.0), self.ramp), self.ramp)
        return started + self.speed * max(time - self.ramp, 0.0)

    def _ramped(self, time: float, ramp: float) -> float:
        """Return the distance from rest after a time within a ramp."""
        return float(self.speed * (time - ramp / np.pi * np.sin(np.pi * time / ramp)) / 2)


@dataclass(frozen=True, eq=False)
class JointPath:
    """Waypoints (N, 6) in radians at distances (N,) along the path."""

    distances: Array
    joints: Array

    @property
    def length(self) -> float:
        """Of the path, in the unit of `distances`."""
        return float(self.distances[-1])

    def at(self, distance: float) -> Array:
        """Return the joints (6,) at a distance."""
        last = len(self.distances) - 1
        k = min(int(np.searchsorted(self.distances, distance)), last)
        if k == 0 or distance >= self.distances[last]:
            return np.array(self.joints[k])
        before, after = self.distances[k - 1], self.distances[k]
        share = (distance - before) / (after - before)
        return np.asarray((1.0 - share) * self.joints[k - 1] + share * self.joints[k])

    @classmethod
    def straight(cls, start: Array, end: Array) -> Self:
        """Return the path that is straight in joint space, measured by its leading joint."""
        return cls(np.array([0.0, float(np.abs(end - start).max())]), np.stack([start, end]))
