"""Where the rim of the cup is: a point touched from several directions, and known points touched.

A wrong tool centre point looks like a wrong camera calibration. These checks need no camera.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.geometry import Array

_LEAST_TURN = np.radians(15)


@dataclass(frozen=True, eq=False)
class ToolOffset:
    """Result of a pivot calibration.

    Attributes:
        offset: (3,) of the true tip in the frame of the poses, metres. With poses of the TCP as it
            is configured, zero is right.
        point: (3,) the touched point in the base frame, metres.
        rms: how far the poses disagree, metres.
        error: (3,) standard deviation of the offset, metres.
    """

    offset: Array
    point: Array
    rms: float
    error: Array


def pivot(poses: Sequence[Array]) -> ToolOffset:
    """Find the tip from poses `T_base_tool` (4, 4) in which it touches one point.

    Solves R_i offset + t_i = point by least squares.

    Raises:
        CalibrationError: fewer than four poses, or poses that are turned too little.
    """
    if len(poses) < 4:
        raise CalibrationError(f"{len(poses)} poses; touch the point from four or more directions")
    rotations = np.array([pose[:3, :3] for pose in poses])
    positions = np.array([pose[:3, 3] for pose in poses])
    _check_turns(rotations)
    left = np.concatenate([rotations, np.tile(-np.eye(3), (len(poses), 1, 1))], axis=2)
    matrix = left.reshape(-1, 6)
    solution, *_ = np.linalg.lstsq(matrix, -positions.ravel(), rcond=None)
    residual = matrix @ solution + positions.ravel()
    variance = float(residual @ residual) / max(1, residual.size - 6)
    error = np.sqrt(np.diag(np.linalg.pinv(matrix.T @ matrix))[:3] * variance)
    rms = float(np.sqrt((residual.reshape(-1, 3) ** 2).sum(axis=1).mean()))
    return ToolOffset(solution[:3], solution[3:], rms, error)


def _check_turns(rotations: Array) -> None:
    """Raise CalibrationError unless the tool is tilted about more than one axis."""
    vectors = Rotation.from_matrix(rotations[0].T @ rotations[1:]).as_rotvec()
    # The second singular value: how far the poses are turned about a second axis.
    spread = np.linalg.svd(vectors, compute_uv=False)[1] if len(vectors) > 1 else 0.0
    if spread < _LEAST_TURN:
        raise CalibrationError(
            "the tool is tilted about one axis only, or hardly: tilt it by 15 degrees or more "
            "about two axes, else the tip's place along the axis stays open"
        )
