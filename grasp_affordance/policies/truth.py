"""What a simulator must answer for the oracle; `sim` implements it."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Array


class ObjectTruth(Protocol):
    """What the oracle wants to know of an object."""

    @property
    def object_id(self) -> int:
        """Return the id that `true_masks` shows."""

    @property
    def centre_of_mass(self) -> Array:
        """Return it (3,) in the base frame, metres."""

    @property
    def under(self) -> tuple[int, ...]:
        """Return the ids of the objects that lie on this one."""


class SealTruth(Protocol):
    """What the oracle wants to know of a cup at a place."""

    @property
    def sealed(self) -> bool:
        """Return whether it seals."""

    @property
    def object_id(self) -> int:
        """Return the object that it touches, -1 for none."""

    @property
    def tilt(self) -> float:
        """Return the tilt of the surface under the rim against the approach, radians."""


class Truth(Protocol):
    """A simulator that answers."""

    @property
    def T_base_camera(self) -> Array:
        """Return the true pose (4, 4) of the camera."""

    def true_masks(self) -> NDArray[np.int32]:
        """Return the object id (H, W) of every pixel, -1 for none."""

    def true_depth(self) -> NDArray[np.float32]:
        """Return the depth (H, W), metres."""

    def seal_at(self, position_base: Array, approach: Array) -> SealTruth:
        """Evaluate a cup that comes down through a point along a direction, base frame."""

    def objects(self) -> Sequence[ObjectTruth]:
        """Return the objects in the bin."""
