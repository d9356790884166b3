"""A parallel gripper that comes straight down, and where it closes."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array

FLOOR_GAP = 0.002  # metres between plates and floor


@dataclass(frozen=True)
class ParallelJaws:
    """Two plates that face each other and close symmetrically.

    Attributes:
        plate_length: along the plates, metres.
        plate_thickness: of each plate in the closing direction, metres.
        plate_height: of each plate, metres.
        maximum_opening: between the plates, metres.
        clearance: by which each plate stands further out than the grasp says while the gripper
            comes down, metres.
        reach: of the plates' lower edges below the grasp's position, metres.
        force: with which each plate presses, newtons.
        friction: of the plates' rubber.
    """

    plate_length: float = 0.02
    plate_thickness: float = 0.006
    plate_height: float = 0.06
    maximum_opening: float = 0.085
    clearance: float = 0.006
    reach: float = 0.005
    force: float = 40.0
    friction: float = 0.8

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"jaws: {name} must be positive, got {value}")

    def opened(self, opening: float) -> float:
        """Distance between the plates while the gripper comes down for an opening, metres."""
        return min(opening + 2 * self.clearance, self.maximum_opening)


@dataclass(frozen=True, eq=False)
class TopDownGrasp:
    """Where a parallel gripper closes that comes down vertically.

    Attributes:
        position: (3,) float64 base frame, metres: between the plates, at the height of the object's
            greatest width.
        yaw: of the plates' direction about the base's z, radians; they close across it.
        opening: width to grasp, metres.
    """

    position: Array
    yaw: float
    opening: float

    @property
    def plates(self) -> Array:
        """(3,) unit vector along the plates, base frame."""
        return np.array([np.cos(self.yaw), np.sin(self.yaw), 0.0])

    @property
    def closing(self) -> Array:
        """(3,) unit vector along which the plates close, base frame."""
        return np.array([-np.sin(self.yaw), np.cos(self.yaw), 0.0])

    def tip_height(self, jaws: ParallelJaws, floor: float) -> float:
        """Height of the plates' lower edges when they close; they do not touch the floor."""
        return max(float(self.position[2]) - jaws.reach, floor + FLOOR_GAP)
