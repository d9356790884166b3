"""Whether poses of the arm determine the camera's pose at all."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array, invert


@dataclass(frozen=True)
class MotionConfig:
    """What a set of poses must offer.

    Attributes:
        fewest: samples.
        turn: rotations between two poses that are smaller than this say little, radians.
        axes: two rotations must be about axes at least this far apart, radians. Rotations about
            one axis leave the camera's place along that axis free (Tsai and Lenz 1989).
        same_place, same_turn: a pose closer to an earlier one than this (metres, radians) adds
            nothing.
    """

    fewest: int = 6
    turn: float = float(np.radians(8))
    axes: float = float(np.radians(20))
    same_place: float = 0.002
    same_turn: float = float(np.radians(0.5))

    def __post_init__(self) -> None:
        if self.fewest < 3:
            raise ConfigError(f"fewest = {self.fewest}: three samples are the least")
        if not (0 < self.turn < np.pi and 0 < self.axes < np.pi / 2):
            raise ConfigError("turn must be in (0, pi) and axes in (0, pi/2), radians")


def twin_of(pose: Array, earlier: Sequence[Array], config: MotionConfig) -> int | None:
    """Return the index of an earlier pose (4, 4) that is the same as `pose`, or None."""
    for index, other in enumerate(earlier):
        step = invert(other) @ pose
        near = np.linalg.norm(step[:3, 3]) < config.same_place
        if near and Rotation.from_matrix(step[:3, :3]).magnitude() < config.same_turn:
            return index
    return None


def check_motions(poses: Sequence[Array], config: MotionConfig) -> None:
    """Raise CalibrationError unless poses `T_base_tool` (4, 4) determine the camera's pose."""
    if len(poses) < config.fewest:
        raise CalibrationError(
            f"{len(poses)} usable samples, at least {config.fewest} are needed: take more"
        )
    turns = _turns(poses)
    angles = np.linalg.norm(turns, axis=1)
    large = angles >= config.turn
    if not large.any():
        raise CalibrationError(
            f"the poses are turned by at most {np.degrees(angles.max()):.1f} degrees against each "
            f"other: turn the tool by more than {np.degrees(config.turn):.0f} degrees"
        )
    axes = turns[large] / angles[large, None]
    apart = np.arccos(np.clip(np.abs(axes @ axes.T), 0.0, 1.0)).max()
    if apart < config.axes:
        raise CalibrationError(
            f"all rotations between the poses are about one axis (within {np.degrees(apart):.1f} "
            "degrees), which leaves the camera's place along it free: tilt the tool about two axes"
        )


def _turns(poses: Sequence[Array]) -> Array:
    """Return the rotation vectors (M, 3), radians, between all pairs."""
    matrices = np.array([pose[:3, :3] for pose in poses])
    first, second = np.triu_indices(len(poses), k=1)
    relative = np.swapaxes(matrices[first], 1, 2) @ matrices[second]
    return np.asarray(Rotation.from_matrix(relative).as_rotvec())
