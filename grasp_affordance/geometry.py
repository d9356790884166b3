"""Rigid transforms and the pinhole camera, in numpy.

A transform `T_a_b` is a (4, 4) float64 array that maps coordinates in frame b to frame a:
`p_a = T_a_b @ p_b`. Chains read left to right: `T_base_object = T_base_camera @ T_camera_object`.
Optical frames have x right, y down, z forward (REP 103).
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from grasp_affordance.errors import GeometryError

Array = NDArray[np.float64]

_RIGID_TOLERANCE = 1e-4  # calibration files are often written with four to six decimals


def check_rigid(T: ArrayLike, name: str = "transform") -> Array:
    """Return `T` as a (4, 4) float64 array.

    Raises:
        GeometryError: `T` is not a finite 4x4 matrix of a proper rotation and a translation.
    """
    matrix = np.asarray(T, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all():
        raise GeometryError(f"{name}: expected a finite 4x4 matrix, got shape {matrix.shape}")
    R = matrix[:3, :3]
    orthonormal = np.allclose(R @ R.T, np.eye(3), atol=_RIGID_TOLERANCE)
    if not orthonormal or np.linalg.det(R) < 0 or not np.allclose(matrix[3], [0, 0, 0, 1]):
        raise GeometryError(f"{name}: not a rigid transform (rotation not orthonormal)")
    return matrix


def invert(T_a_b: ArrayLike) -> Array:
    """Return `T_b_a`, the inverse of a rigid transform, without a general matrix inverse."""
    T = np.asarray(T_a_b, dtype=np.float64)
    inverse = np.eye(4)
    inverse[:3, :3] = T[:3, :3].T
    inverse[:3, 3] = -T[:3, :3].T @ T[:3, 3]
    return inverse


def transform_points(T_a_b: ArrayLike, points_b: ArrayLike) -> Array:
    """Map points (..., 3) in frame b to frame a; NaN points stay NaN."""
    T = np.asarray(T_a_b, dtype=np.float64)
    return np.asarray(points_b, dtype=np.float64) @ T[:3, :3].T + T[:3, 3]


def rotate_vectors(T_a_b: ArrayLike, vectors_b: ArrayLike) -> Array:
    """Map directions (..., 3) in frame b to frame a (rotation only)."""
    return np.asarray(vectors_b, dtype=np.float64) @ np.asarray(T_a_b, dtype=np.float64)[:3, :3].T


def from_quaternion(position: ArrayLike, xyzw: ArrayLike) -> Array:
    """Return the (4, 4) transform of a position (3,) and a quaternion (x, y, z, w).

    Raises:
        GeometryError: the quaternion has no length.
    """
    q = np.asarray(xyzw, dtype=np.float64)
    norm = np.linalg.norm(q)
    if q.shape != (4,) or not np.isfinite(norm) or norm < 1e-9:
        raise GeometryError(f"quaternion {q.tolist()} (xyzw) has no direction")
    T = np.eye(4)
    T[:3, :3] = Rotation.from_quat(q).as_matrix()
    T[:3, 3] = np.asarray(position, dtype=np.float64)
    return T


def to_quaternion(T: ArrayLike) -> Array:
    """Return the unit quaternion (x, y, z, w), w >= 0, of a transform's rotation."""
    R = np.asarray(T, dtype=np.float64)[:3, :3]
    return Rotation.from_matrix(R).as_quat(canonical=True)


def approach_pose(position: ArrayLike, approach: ArrayLike, yaw: float = 0.0) -> Array:
    """Return `T_base_tool` at `position` (3,) with the tool's +z along `approach` (3,).

    The tool's x axis is the base's x axis projected onto the plane normal to `approach` (the base's
    y axis where x is nearly parallel to it), turned about `approach` by `yaw` radians. A vertical
    pick is `approach = (0, 0, -1)`.

    Raises:
        GeometryError: `approach` has no length.
    """
    z = np.asarray(approach, dtype=np.float64)
    length = np.linalg.norm(z)
    if not np.isfinite(length) or length < 1e-9:
        raise GeometryError("the approach direction has no length")
    z = z / length
    reference = np.array([1.0, 0.0, 0.0]) if abs(z[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    x = reference - (reference @ z) * z
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    T = np.eye(4)
    T[:3, 0] = np.cos(yaw) * x + np.sin(yaw) * y
    T[:3, 1] = np.cross(z, T[:3, 0])
    T[:3, 2] = z
    T[:3, 3] = np.asarray(position, dtype=np.float64)
    return T


@dataclass(frozen=True)
class Intrinsics:
    """Pinhole intrinsics of a rectified image; all in pixels.

    A pixel's integer coordinates are its centre, as in OpenCV and `sensor_msgs/CameraInfo`.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int

    def __post_init__(self) -> None:
        if not (self.fx > 0 and self.fy > 0 and np.isfinite([self.cx, self.cy]).all()):
            raise GeometryError(
                f"intrinsics fx={self.fx} fy={self.fy} cx={self.cx} cy={self.cy} are not those of "
                "a camera; is camera_info published by a calibrated driver?"
            )
        if self.width <= 0 or self.height <= 0:
            raise GeometryError(f"image size {self.width}x{self.height} is empty")

    @property
    def matrix(self) -> Array:
        """K, (3, 3)."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    def cropped(self, u0: int, v0: int, width: int, height: int) -> Self:
        """Intrinsics of the sub-image whose first pixel is (u0, v0)."""
        return type(self)(self.fx, self.fy, self.cx - u0, self.cy - v0, width, height)

    def scaled(self, factor: float) -> Self:
        """Intrinsics of the image resized by `factor` (pixel-centre convention)."""
        return type(self)(
            self.fx * factor,
            self.fy * factor,
            (self.cx + 0.5) * factor - 0.5,
            (self.cy + 0.5) * factor - 0.5,
            round(self.width * factor),
            round(self.height * factor),
        )

    def deproject(self, u: ArrayLike, v: ArrayLike, z: ArrayLike) -> Array:
        """Return camera coordinates (..., 3) of pixels at depth z: `[x, y, z] = z K^-1 [u, v, 1]`.

        Equation 1 of the suction paper. `z` is the distance
        along the optical axis in metres; NaN gives NaN.
        """
        u, v, z = np.broadcast_arrays(
            np.asarray(u, dtype=np.float64),
            np.asarray(v, dtype=np.float64),
            np.asarray(z, dtype=np.float64),
        )
        return np.stack([(u - self.cx) / self.fx * z, (v - self.cy) / self.fy * z, z], axis=-1)

    def project(self, points: ArrayLike) -> Array:
        """Return pixels (..., 2) as (u, v) of camera points (..., 3); NaN where z <= 0."""
        p = np.asarray(points, dtype=np.float64)
        z = np.where(p[..., 2] > 0, p[..., 2], np.nan)
        return np.stack(
            [p[..., 0] / z * self.fx + self.cx, p[..., 1] / z * self.fy + self.cy], axis=-1
        )

    def deproject_image(self, depth: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return camera points (H, W, 3) float32 of a depth image (H, W) in metres.

        Raises:
            GeometryError: the image is not of these intrinsics' size.
        """
        if depth.shape != (self.height, self.width):
            raise GeometryError(
                f"depth is {depth.shape[1]}x{depth.shape[0]}, intrinsics are for "
                f"{self.width}x{self.height}"
            )
        z = np.asarray(depth, dtype=np.float32)
        x = ((np.arange(self.width) - self.cx) / self.fx).astype(np.float32)
        y = ((np.arange(self.height) - self.cy) / self.fy).astype(np.float32)
        return np.stack([x[None, :] * z, y[:, None] * z, z], axis=-1)
