"""The box that a bin is."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Array
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import box_corners, transform_points


@dataclass(frozen=True)
class BinGeometry:
    """An open box whose interior is axis-aligned in the base frame up to a yaw.

    Attributes:
        centre: (x, y) of the interior in the base frame, metres.
        size: interior (length along x, width along y, depth of the walls), metres.
        floor: height of the interior floor in the base frame, metres.
        yaw: rotation about the base's z axis, radians.
    """

    REQUIRED: ClassVar = ("centre", "size")  # in a file, where a default would be a guess

    centre: tuple[float, float] = (0.5, 0.0)
    size: tuple[float, float, float] = (0.40, 0.40, 0.12)
    floor: float = 0.0
    yaw: float = 0.0

    def __post_init__(self) -> None:
        if min(self.size) <= 0:
            raise ConfigError(f"bin size {self.size}: every side must be positive metres")

    @property
    def T_base_bin(self) -> Array:
        """(4, 4); the bin frame's origin is the middle of the interior floor."""
        T = np.eye(4)
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        T[:2, :2] = [[c, -s], [s, c]]
        T[:3, 3] = [*self.centre, self.floor]
        return T

    def close_to(self, other: Self) -> bool:
        """Whether no corner is more than a millimetre from the other's, as after rounding."""
        return bool(np.abs(self.corners() - other.corners()).max() < 1e-3)

    @property
    def rim(self) -> float:
        """Height of the walls' upper edge in the base frame, metres."""
        return self.floor + self.size[2]

    def corners(self, top: float | None = None) -> Array:
        """Return the corners (8, 3) of the interior in the base frame, metres.

        Args:
            top: how far they reach above the floor, metres; to the rim by default.
        """
        length, width, depth = self.size
        high = np.array([length / 2, width / 2, depth if top is None else top])
        return transform_points(self.T_base_bin, box_corners(high * [-1, -1, 0], high))

    def contains(self, points: Array, margin: float = 0.0) -> NDArray[np.bool_]:
        """Whether base-frame points (..., 3) lie above the floor, at least `margin` from walls.

        There is no upper limit: a heap may stand out of the bin.
        """
        p = np.asarray(points, dtype=np.float64)
        T = self.T_base_bin
        local = (p - T[:3, 3]) @ T[:3, :3]
        with np.errstate(invalid="ignore"):
            inside = (np.abs(local[..., 0]) <= self.size[0] / 2 - margin) & (
                np.abs(local[..., 1]) <= self.size[1] / 2 - margin
            )
            return np.asarray(inside & (local[..., 2] > 0.0))
