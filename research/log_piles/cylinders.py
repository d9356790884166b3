"""Cylinders where they lie: what a line meets first, and what stands over a point."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from grasp_affordance.geometry import Array

_FAR = 10.0  # metres: above everything


@dataclass(frozen=True, eq=False)
class Cylinder:
    """A solid cylinder.

    Attributes:
        radius, length: metres.
        T_base_cylinder: (4, 4) float64; origin in its middle, z along its axis.
    """

    radius: float
    length: float
    T_base_cylinder: Array

    @property
    def centre(self) -> Array:
        """(3,) base frame, metres."""
        return self.T_base_cylinder[:3, 3]

    @property
    def axis(self) -> Array:
        """(3,) unit vector, base frame."""
        return self.T_base_cylinder[:3, 2]


def distances(cylinder: Cylinder, origins: ArrayLike, directions: ArrayLike) -> Array:
    """Return how far lines go before they meet a cylinder, (N,); infinity where they miss it.

    Args:
        origins: (N, 3) or (3,), outside of the cylinder, base frame, metres.
        directions: (N, 3) or (3,) unit vectors.
    """
    R = cylinder.T_base_cylinder[:3, :3]
    o = np.atleast_2d((np.asarray(origins, dtype=np.float64) - cylinder.centre) @ R)
    d = np.atleast_2d(np.asarray(directions, dtype=np.float64) @ R)
    o, d = np.broadcast_arrays(o, d)
    # the line is inside the infinite cylinder, and between the planes of the ends, for an interval
    # each; it enters the solid where the later of the two begins
    a = d[:, 0] ** 2 + d[:, 1] ** 2
    b = o[:, 0] * d[:, 0] + o[:, 1] * d[:, 1]
    c = o[:, 0] ** 2 + o[:, 1] ** 2 - cylinder.radius**2
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(b * b - a * c)
        along = a > 1e-12
        enter = np.where(along, (-b - root) / a, np.where(c <= 0, -np.inf, np.nan))
        leave = np.where(along, (-b + root) / a, np.where(c <= 0, np.inf, np.nan))
        ends = np.stack([(s * cylinder.length / 2 - o[:, 2]) / d[:, 2] for s in (-1, 1)])
    level = np.abs(d[:, 2]) < 1e-12
    between = np.abs(o[:, 2]) <= cylinder.length / 2
    first = np.where(level, np.where(between, -np.inf, np.inf), ends.min(axis=0))
    last = np.where(level, np.where(between, np.inf, -np.inf), ends.max(axis=0))
    start, end = np.maximum(enter, first), np.minimum(leave, last)
    with np.errstate(invalid="ignore"):  # NaN: the line passes beside
        return np.where((start <= end) & (start >= 0), start, np.inf)


def heights(cylinder: Cylinder, points: ArrayLike) -> Array:
    """Return the height of a cylinder's upper surface over points (N, 2), base frame, metres.

    Minus infinity where it is not over the point.
    """
    xy = np.atleast_2d(np.asarray(points, dtype=np.float64))[:, :2]
    origins = np.column_stack([xy, np.full(len(xy), _FAR)])
    return _FAR - distances(cylinder, origins, np.array([0.0, 0.0, -1.0]))


def highest(cylinders: Sequence[Cylinder], points: ArrayLike) -> Array:
    """Return the height of whatever is highest over points (N, 2); minus infinity for nothing."""
    xy = np.atleast_2d(np.asarray(points, dtype=np.float64))
    return np.max([np.full(len(xy), -np.inf), *(heights(c, xy) for c in cylinders)], axis=0)


def first_met(
    cylinders: Sequence[Cylinder], origin: Array, direction: Array
) -> tuple[int, float] | None:
    """Return which cylinder a line meets first, and how far away, metres; None for nothing."""
    reached = [float(distances(c, origin, direction)[0]) for c in cylinders]
    if not reached or not np.isfinite(min(reached)):
        return None
    nearest = int(np.argmin(reached))
    return nearest, reached[nearest]
