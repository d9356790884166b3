"""The memory of just-failed points: the same for every policy."""

from collections import deque
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.geometry import transform_points
from grasp_affordance.grasp import SuctionPoint


class FailureMemory:
    """The last failed points of one pile, in the base frame.

    A rule without it would send the cup to the same bad point for ever. It forgets the oldest point
    when full, not at a success: what does not seal does not seal after a neighbour has gone.
    """

    def __init__(self, size: int, radius: float) -> None:
        """Remember `size` points; nothing is allowed within `radius` metres of them."""
        self._points: deque[NDArray[np.float64]] = deque(maxlen=size)
        self.radius = radius

    def __len__(self) -> int:
        return len(self._points)

    @property
    def points(self) -> NDArray[np.float64]:
        """(N, 3) base-frame points, oldest first."""
        return np.array(self._points, dtype=np.float64).reshape(-1, 3)

    def add(self, point_base: NDArray[np.float64]) -> None:
        """Remember the base-frame point (3,) of a failure."""
        self._points.append(np.asarray(point_base, dtype=np.float64))

    def clear(self) -> None:
        """Forget everything."""
        self._points.clear()

    def allows(self, point_base: NDArray[np.float64]) -> bool:
        """Whether a base-frame point (3,) is farther than the radius from all failures."""
        distances = np.linalg.norm(self.points - point_base, axis=1)
        return bool((distances > self.radius).all())

    def first_allowed(
        self, points: Iterable[SuctionPoint], T_base_camera: NDArray[np.float64]
    ) -> SuctionPoint | None:
        """Return the best-ranked point that is allowed, or None."""
        for point in points:
            if self.allows(transform_points(T_base_camera, point.position)):
                return point
        return None
