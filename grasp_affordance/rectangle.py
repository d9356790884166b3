"""Grasp rectangles, and the parallel gripper that they are made for."""

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


@dataclass(frozen=True)
class JawConfig:
    """A gripper with two parallel plates.

    Attributes:
        plate_length: length of a plate, metres; it sets a rectangle's w.
        maximum_opening: between the plates, metres.
        minimum_opening: between the plates when closed, metres.
    """

    plate_length: float = 0.02
    maximum_opening: float = 0.085
    minimum_opening: float = 0.0

    def __post_init__(self) -> None:
        if self.plate_length <= 0 or not 0 <= self.minimum_opening < self.maximum_opening:
            raise ConfigError(
                f"gripper: plates of {self.plate_length} m that open from {self.minimum_opening} "
                f"to {self.maximum_opening} m are not possible"
            )
