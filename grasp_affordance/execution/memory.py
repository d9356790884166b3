"""The memory of just-failed points: the same for every policy."""

from collections import deque
from collections.abc import Iterable

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.geometry import transform_points
from grasp_affordance.suction import Failures, SuctionPoint


class FailureMemory:
    """The last failed and refused points of one pile, in the base frame.

    A rule without it would send the cup to the same bad point for ever. It forgets the oldest point
    when full, not at a success: what does not seal does not seal after a neighbour has gone.

    Where nothing but the surroundings of these points is left, they may be tried again (`forgive`).
    That they failed is still known: who estimates probabilities counts it, and gives the object up
    rather than trying it until the pile's cap.
    """

    def __init__(self, size: int, radius: float, number: int = 0) -> None:
        """Remember `size` points; nothing is allowed within `radius` metres of them.

        Args:
            number: of the first bin; each `clear` begins the next one.
        """
        self._bin = number
        self._failed: deque[Array] = deque(maxlen=size)
        self._avoided: deque[Array] = deque(maxlen=size)
        self.radius = radius

    @property
    def failures(self) -> Failures:
        """What a proposer is told, oldest first."""
        return Failures(_array(self._failed), _array(self._avoided), self.radius, self._bin)

    def add(self, point_base: Array) -> None:
        """Remember the base-frame point (3,) of a failure."""
        self._failed.append(np.asarray(point_base, dtype=np.float64))
        self.refuse(point_base)

    def refuse(self, point_base: Array) -> None:
        """Keep away from a base-frame point (3,) that was not tried: it says nothing of objects."""
        self._avoided.append(np.asarray(point_base, dtype=np.float64))

    def forgive(self) -> bool:
        """Allow everything again; return whether anything was not."""
        avoided = bool(self._avoided)
        self._avoided.clear()
        return avoided

    def clear(self) -> None:
        """Forget everything: these are other objects, in the next bin."""
        self._bin += 1
        self._failed.clear()
        self._avoided.clear()

    def allows(self, point_base: Array) -> bool:
        """Whether a base-frame point (3,) is farther than the radius from all that is avoided."""
        return not self.failures.forbids(point_base)

    def allowed(
        self, points: Iterable[SuctionPoint], T_base_camera: Array
    ) -> tuple[SuctionPoint, ...]:
        """Return those of the camera-frame points that are allowed, in their order."""
        return tuple(
            point
            for point in points
            if self.allows(transform_points(T_base_camera, point.position))
        )


def _array(points: deque[Array]) -> Array:
    return np.array(points, dtype=np.float64).reshape(-1, 3)
