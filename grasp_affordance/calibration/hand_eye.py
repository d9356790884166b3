"""Hand-eye calibration: where the camera is, from views of a board at many poses of the arm.

Both mounts are one equation, A_i X B_i = Y with B_i = T_camera_board:
    eye-to-hand, board on the tool:   A_i = T_tool_base,  X = T_base_camera, Y = T_tool_board
    eye-in-hand, board on the table:  A_i = T_base_tool,  X = T_tool_camera, Y = T_base_board
A closed form (Park and Martin 1994, "Robot sensor calibration: solving AX=XB on the Euclidean
group") starts; X and Y are then refined together on the pixels of all corners.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from grasp_affordance.calibration.board import BoardView
from grasp_affordance.calibration.errors import CalibrationError
from grasp_affordance.geometry import Array, Intrinsics, invert, transform_points


class Mount(StrEnum):
    """Where the camera is mounted."""

    EYE_TO_HAND = "eye_to_hand"  # fixed in the cell; the board is on the tool
    EYE_IN_HAND = "eye_in_hand"  # on the tool; the board is fixed in the cell


@dataclass(frozen=True, eq=False)
class Sample:
    """One pose of the arm and what the camera saw there.

    Attributes:
        name: for messages.
        T_base_tool: (4, 4) pose that the robot reported while the image was taken.
        view: of the board.
    """

    name: str
    T_base_tool: Array
    view: BoardView


@dataclass(frozen=True, eq=False)
class Solution:
    """What one set of samples says.

    Attributes:
        X: (4, 4) the camera's pose: T_base_camera or T_tool_camera.
        Y: (4, 4) the board's pose: T_tool_board or T_base_board.
        translations: (N,) metres by which each sample's board lies off `Y`.
        rotations: (N,) radians by which it is turned.
        sigma: (6,) standard deviations of X: rotation vector (radians), translation (metres).
    """

    X: Array
    Y: Array
    translations: Array
    rotations: Array
    sigma: Array


def arm_poses(samples: Sequence[Sample], mount: Mount) -> list[Array]:
    """Return A_i of the equation above."""
    if mount is Mount.EYE_IN_HAND:
        return [sample.T_base_tool for sample in samples]
    return [invert(sample.T_base_tool) for sample in samples]


def solve(samples: Sequence[Sample], intrinsics: Intrinsics, mount: Mount) -> Solution:
    """Solve for the camera's pose from three or more samples.

    Raises:
        CalibrationError: the closed form finds nothing: the motions do not determine it.
    """
    A = arm_poses(samples, mount)
    B = [sample.view.T_camera_board for sample in samples]
    X = _closed_form(A, B)
    Y = _mean_pose([a @ X @ b for a, b in zip(A, B, strict=True)])
    X, Y, sigma = _refine(X, Y, A, samples, intrinsics)
    off = [invert(Y) @ a @ X @ b for a, b in zip(A, B, strict=True)]
    translations = np.array([np.linalg.norm(T[:3, 3]) for T in off])
    rotations = np.array([Rotation.from_matrix(T[:3, :3]).magnitude() for T in off])
    return Solution(X, Y, translations, rotations, sigma)


def _closed_form(A: list[Array], B: list[Array]) -> Array:
    """Solve P X = X Q for all pairs, P = A_j^-1 A_i and Q = B_j B_i^-1.

    The rotation vectors of P are those of Q turned by X; then the translation is linear. OpenCV has
    this as calibrateHandEye, which the Python package of OpenCV 5.0 leaves out.
    """
    first, second = np.triu_indices(len(A), k=1)
    P = np.array([invert(A[j]) @ A[i] for i, j in zip(first, second, strict=True)])
    Q = np.array([B[j] @ invert(B[i]) for i, j in zip(first, second, strict=True)])
    alpha = Rotation.from_matrix(P[:, :3, :3]).as_rotvec()
    beta = Rotation.from_matrix(Q[:, :3, :3]).as_rotvec()
    X = np.eye(4)
    X[:3, :3] = Rotation.align_vectors(alpha, beta)[0].as_matrix()
    left = (P[:, :3, :3] - np.eye(3)).reshape(-1, 3)
    right = (Q[:, :3, 3] @ X[:3, :3].T - P[:, :3, 3]).ravel()
    X[:3, 3], _, rank, _ = np.linalg.lstsq(left, right, rcond=1e-6)
    if rank < 3:
        raise CalibrationError("the motions do not determine the camera's pose: tilt the tool more")
    return X


def _mean_pose(poses: list[Array]) -> Array:
    """Return the mean of poses that are nearly equal."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_matrix([p[:3, :3] for p in poses]).mean().as_matrix()
    # The median: one sample of a wrongly found board must not pull the start far away.
    T[:3, 3] = np.median([p[:3, 3] for p in poses], axis=0)
    return T


def _refine(
    X: Array, Y: Array, A: list[Array], samples: Sequence[Sample], intrinsics: Intrinsics
) -> tuple[Array, Array, Array]:
    """Minimise the reprojection error of all corners over X and Y; also return X's sigma (6,)."""

    def poses(p: Array) -> tuple[Array, Array]:
        return X @ _exp(p[:6]), Y @ _exp(p[6:])

    def residuals(p: Array) -> Array:
        x, y = poses(p)
        errors = []
        for a, sample in zip(A, samples, strict=True):
            seen = transform_points(invert(a @ x) @ y, sample.view.points)
            # A corner behind the camera has no pixel: far off, but finite for the optimiser.
            pixels = np.nan_to_num(intrinsics.project(seen), nan=1e4)
            errors.append((pixels - sample.view.corners).ravel())
        return np.concatenate(errors)

    # Robust: pixels of a sample that is about to be rejected count less.
    fit = least_squares(residuals, np.zeros(12), loss="soft_l1", max_nfev=60)
    refined_X, refined_Y = poses(fit.x)
    sizes = np.cumsum([2 * len(sample.view.corners) for sample in samples])[:-1]
    return refined_X, refined_Y, _sigma(fit.jac, fit.fun, sizes)[:6]


def _sigma(jacobian: Array, residuals: Array, ends: Array) -> Array:
    """Return the parameters' standard deviations.

    The robot's error is shared by all corners of a sample, so samples count and not corners: the
    cluster-robust ("sandwich") covariance (Liang and Zeger 1986, doi 10.1093/biomet/73.1.13).
    """
    scores = np.array(
        [j.T @ r for j, r in zip(np.split(jacobian, ends), np.split(residuals, ends), strict=True)]
    )
    bread = np.linalg.pinv(jacobian.T @ jacobian)
    count = len(scores)
    covariance = bread @ (scores.T @ scores) @ bread * count / (count - 1)
    return np.sqrt(np.diag(covariance))


def _exp(p: Array) -> Array:
    """Return the transform of a rotation vector (radians) and a translation (metres), (6,)."""
    T = np.eye(4)
    T[:3, :3] = Rotation.from_rotvec(p[:3]).as_matrix()
    T[:3, 3] = p[3:]
    return T
