"""Grasp rectangles of a parallel gripper."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class GraspRectangle:
    """An oriented grasp rectangle g = {x, y, theta, w, h} (automatic annotation, equation 1).

    Attributes:
        x, y: centre in pixels (u, v).
        theta: angle in [0, pi) radians of the jaw plates' direction, from image +u towards +v.
        w: side along theta in pixels: the length of a jaw plate, set by the gripper.
        h: side normal to theta in pixels: the opening between the plates.
    """

    x: float
    y: float
    theta: float
    w: float
    h: float

    def __post_init__(self) -> None:
        values = [self.x, self.y, self.theta, self.w, self.h]
        if not np.isfinite(values).all() or not (0.0 <= self.theta < np.pi):
            raise ConfigError(f"rectangle {values}: not finite, or theta outside [0, pi)")
        if self.w <= 0 or self.h <= 0:
            raise ConfigError(f"rectangle {values}: a side is not positive")

    def corners(self) -> NDArray[np.float64]:
        """Return the corners (4, 2) in pixels (u, v); the first two span one jaw plate."""
        plate = np.array([np.cos(self.theta), np.sin(self.theta)]) * self.w / 2
        opening = np.array([-np.sin(self.theta), np.cos(self.theta)]) * self.h / 2
        centre = np.array([self.x, self.y])
        return centre + np.array(
            [-plate - opening, plate - opening, plate + opening, -plate + opening]
        )
