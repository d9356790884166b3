"""Rigid transforms and the camera, in numpy.

A transform `T_a_b` is a (4, 4) float64 array that maps coordinates in frame b to frame a:
`p_a = T_a_b @ p_b`. Chains read left to right: `T_base_object = T_base_camera @ T_camera_object`.
Optical frames have x right, y down, z forward (REP 103).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from grasp_affordance.arrays import Array, Window
from grasp_affordance.errors import GeometryError
from grasp_affordance.lens import Lens

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


def box_corners(low: ArrayLike, high: ArrayLike) -> Array:
    """Return the corners (8, 3) of an axis-aligned box from its lowest and highest corner (3,).

    Bit k of a corner's number says at which end it is along axis k.
    """
    ends = (np.arange(8)[:, None] >> np.arange(3)) & 1
    return np.where(ends, np.asarray(high, np.float64), np.asarray(low, np.float64))


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
    """How a camera maps points to pixels; all in pixels.

    A pixel's integer coordinates are its centre, as in OpenCV and `sensor_msgs/CameraInfo`.

    Attributes:
        fx, fy, cx, cy: K of the image.
        width, height: of the image.
        lens: its distortion; None for a rectified image (pinhole).
    """

    fx: float
    fy: float
    cx: float
    cy: float
    width: int
    height: int
    lens: Lens | None = None

    def __post_init__(self) -> None:
        if not (self.fx > 0 and self.fy > 0 and np.isfinite([self.cx, self.cy]).all()):
            raise GeometryError(
                f"intrinsics fx={self.fx} fy={self.fy} cx={self.cx} cy={self.cy} are not those of "
                "a camera; is camera_info published by a calibrated driver?"
            )
        if self.width <= 0 or self.height <= 0:
            raise GeometryError(f"image size {self.width}x{self.height} is empty")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Build from the content of a file; other keys are left alone.

        Raises:
            GeometryError, KeyError, TypeError, ValueError: a key is missing or makes no sense.
        """
        fx, fy, cx, cy = (float(data[key]) for key in ("fx", "fy", "cx", "cy"))
        lens = Lens.of(str(data.get("distortion_model", "")), data.get("d", ()))
        return cls(fx, fy, cx, cy, int(data["width"]), int(data["height"]), lens)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, JSON values; `distortion_model` and `d` only with a lens."""
        keys = ("fx", "fy", "cx", "cy", "width", "height")
        data: dict[str, Any] = {key: getattr(self, key) for key in keys}
        if self.lens is not None:
            data |= {"distortion_model": self.lens.model, "d": list(self.lens.d)}
        return data

    @property
    def distortion(self) -> tuple[str, tuple[float, ...]]:
        """`CameraInfo.distortion_model` and `CameraInfo.d`; plumb_bob with zeros for a pinhole."""
        return ("plumb_bob", (0.0,) * 5) if self.lens is None else (self.lens.model, self.lens.d)

    @property
    def matrix(self) -> Array:
        """K, (3, 3)."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]])

    def cropped(self, u0: int, v0: int, width: int, height: int) -> Self:
        """Intrinsics of the sub-image whose first pixel is (u0, v0)."""
        return replace(self, cx=self.cx - u0, cy=self.cy - v0, width=width, height=height)

    def scaled(self, factor: float) -> Self:
        """Intrinsics of the image resized by `factor` (pixel-centre convention)."""
        size = round(self.width * factor), round(self.height * factor)
        return self.stretched(factor, factor, *size)

    def stretched(self, su: float, sv: float, width: int, height: int) -> Self:
        """Intrinsics of the image resized by `su` along u and `sv` along v to `width` x `height`.

        The lens acts on what K has normalised, so it stays the same.
        """
        return replace(
            self,
            fx=self.fx * su,
            fy=self.fy * sv,
            cx=(self.cx + 0.5) * su - 0.5,
            cy=(self.cy + 0.5) * sv - 0.5,
            width=width,
            height=height,
        )

    def every(self, step: int) -> Self:
        """Intrinsics of the image of which every `step`-th row and column is kept, from the first.

        Unlike a resized image it shows points of the whole one: pixel (u, v) is its (u, v) `step`.
        """
        return replace(
            self,
            fx=self.fx / step,
            fy=self.fy / step,
            cx=self.cx / step,
            cy=self.cy / step,
            width=-(-self.width // step),
            height=-(-self.height // step),
        )

    def deproject(self, u: ArrayLike, v: ArrayLike, z: ArrayLike) -> Array:
        """Return camera coordinates (..., 3) of pixels at depth z: `[x, y, z] = z K^-1 [u, v, 1]`.

        Equation 1 of the suction paper, after the lens is undone. `z` is the distance along the
        optical axis in metres; NaN gives NaN. A pixel that the lens leaves without a ray gives NaN.
        """
        u, v, z = np.broadcast_arrays(
            np.asarray(u, dtype=np.float64),
            np.asarray(v, dtype=np.float64),
            np.asarray(z, dtype=np.float64),
        )
        x, y = (u - self.cx) / self.fx, (v - self.cy) / self.fy
        if self.lens is not None:
            ray = self.lens.undistort(np.stack([x, y], axis=-1))
            x, y = ray[..., 0], ray[..., 1]
            z = np.where(np.isnan(x), np.nan, z)
        return np.stack([x * z, y * z, z], axis=-1)

    def project(self, points: ArrayLike) -> Array:
        """Return pixels (..., 2) as (u, v) of camera points (..., 3); NaN where z <= 0."""
        p = np.asarray(points, dtype=np.float64)
        z = np.where(p[..., 2] > 0, p[..., 2], np.nan)
        x, y = p[..., 0] / z, p[..., 1] / z
        if self.lens is not None:
            seen = self.lens.distort(np.stack([x, y], axis=-1))
            x, y = seen[..., 0], seen[..., 1]
        return np.stack([x * self.fx + self.cx, y * self.fy + self.cy], axis=-1)

    def window(self, points: ArrayLike, multiple: int = 1) -> Window | None:
        """Return the rows and columns between camera points (N, 3); None beside the image.

        All of them where a point has no pixel, because something reaches behind the camera; None
        where all lies there.

        Args:
            multiple: pixels, of which the rows and columns are a multiple where the image goes on.
        """
        p = np.asarray(points, dtype=np.float64)
        if (p[:, 2] <= 0).all():
            return None
        pixels = self.project(p)
        if not np.isfinite(pixels).all():
            return slice(0, self.height), slice(0, self.width)
        size = [self.width, self.height]
        low = np.clip(np.floor(pixels.min(axis=0) / multiple) * multiple, 0, size).astype(int)
        high = np.clip((np.floor(pixels.max(axis=0) / multiple) + 1) * multiple, 0, size)
        (left, top), (right, bottom) = low.tolist(), high.astype(int).tolist()
        return (slice(top, bottom), slice(left, right)) if top < bottom and left < right else None

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
        if self.lens is not None:
            rays = _rays(self)
            return rays * z[..., None]
        x = ((np.arange(self.width) - self.cx) / self.fx).astype(np.float32)
        y = ((np.arange(self.height) - self.cy) / self.fy).astype(np.float32)
        return np.stack([x[None, :] * z, y[:, None] * z, z], axis=-1)

    def without_blind(self, depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return depth (H, W), NaN besides where the lens leaves a pixel without a ray."""
        return depth if self.lens is None else self.deproject_image(depth)[..., 2]

    def pixel_step(self, u: float, v: float, direction: ArrayLike) -> Array:
        """Return (x, y) metres by which one pixel along `direction` (2,) moves at 1 m of depth."""
        du, dv = np.asarray(direction, dtype=np.float64)
        if self.lens is None:
            return np.array([du / self.fx, dv / self.fy])
        ends = self.deproject([u - du / 2, u + du / 2], [v - dv / 2, v + dv / 2], 1.0)
        return np.asarray(ends[1, :2] - ends[0, :2])

    def focal_at(self, u: float, v: float) -> float:
        """Return the focal length about a pixel: pixels per metre across the view at 1 m of depth.

        With a lens it changes over the image; this is the mean of both directions there.
        """
        if self.lens is None:
            return self.fx
        ray = self.deproject(u, v, 1.0)[:2]
        return float(np.sqrt(self.fx * self.fy * self.lens.magnification(ray)))

    def focal_image(self) -> NDArray[np.float32]:
        """Return `focal_at` of every pixel: (H, W) float32 with a lens, () without."""
        return np.asarray(self.fx, dtype=np.float32) if self.lens is None else _focal_image(self)


@lru_cache(maxsize=16)
def _rays(camera: Intrinsics) -> NDArray[np.float32]:
    """Return each pixel's point at 1 m of depth (H, W, 3); a fresh frame asks for the same ones."""
    u, v = np.meshgrid(np.arange(camera.width), np.arange(camera.height))
    rays = camera.deproject(u, v, 1.0).astype(np.float32)
    rays.flags.writeable = False
    return rays


@lru_cache(maxsize=16)
def _focal_image(camera: Intrinsics) -> NDArray[np.float32]:
    assert camera.lens is not None
    magnified = camera.lens.magnification(_rays(camera)[..., :2])
    focal = np.sqrt(camera.fx * camera.fy * magnified).astype(np.float32)
    focal.flags.writeable = False
    return focal
