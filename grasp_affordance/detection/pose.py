"""From a grasp rectangle in pixels to a pose and an opening in metres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import GeometryError
from grasp_affordance.geometry import to_quaternion
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame

_FACING = 0.2  # cosine between approach and line of sight, at least
_AROUND = 0.25  # of the rectangle's sides: where the depth of the object is looked for


@dataclass(frozen=True, eq=False)
class JawGrasp:
    """Where a parallel gripper closes.

    Attributes:
        T_camera_grasp: (4, 4) float64; origin on the object's surface at the centre, x along the
            plates, y along the closing direction, z the approach.
        opening: between the plates, metres.
        plate_length: of the rectangle's side along the plates, metres.
    """

    T_camera_grasp: NDArray[np.float64]
    opening: float
    plate_length: float

    @property
    def quaternion(self) -> NDArray[np.float64]:
        """(x, y, z, w) of the grasp's orientation in the camera frame."""
        return to_quaternion(self.T_camera_grasp)


def grasp_pose(
    rectangle: GraspRectangle, frame: RgbdFrame, approach: NDArray[np.float64] | None = None
) -> JawGrasp | None:
    """Return the metric grasp of a rectangle; None where there is no depth at its centre.

    The rectangle is taken to lie in the plane through the surface at its centre that is normal to
    the approach: plates and opening are as long as their sides are there.

    Args:
        approach: (3,) direction in which the gripper comes, camera frame; the optical axis by
            default. Where the vertical is known it is `-T_base_camera[2, :3]`.

    Raises:
        GeometryError: the approach has no length, or lies across the line of sight.
    """
    z = surface_depth(rectangle, frame)
    if z is None:
        return None
    axis = _unit(np.array([0.0, 0.0, 1.0]) if approach is None else approach)
    centre = frame.intrinsics.deproject(rectangle.x, rectangle.y, z)
    if axis @ centre < _FACING * np.linalg.norm(centre):
        raise GeometryError(f"approach {axis.tolist()} is not away from the camera")

    def side(angle: float, length: float) -> NDArray[np.float64]:
        du, dv = np.cos(angle) * length / 2, np.sin(angle) * length / 2
        u, v = rectangle.x + np.array([-du, du]), rectangle.y + np.array([-dv, dv])
        rays = frame.intrinsics.deproject(u, v, 1.0)
        ends = rays * ((axis @ centre) / (rays @ axis))[:, None]
        return np.asarray(ends[1] - ends[0])

    plate = side(rectangle.theta, rectangle.w)
    closing = side(rectangle.theta + np.pi / 2, rectangle.h)
    T = np.eye(4)
    T[:3, 0] = _unit(plate)
    T[:3, 1] = np.cross(axis, T[:3, 0])
    T[:3, 2] = axis
    T[:3, 3] = centre
    return JawGrasp(T, abs(float(closing @ T[:3, 1])), float(np.linalg.norm(plate)))


def opening_of(rectangle: GraspRectangle, frame: RgbdFrame) -> float | None:
    """Return the opening in metres; None where there is no depth at the centre."""
    z = surface_depth(rectangle, frame)
    if z is None:
        return None
    closing = (-np.sin(rectangle.theta), np.cos(rectangle.theta))
    step = frame.intrinsics.pixel_step(rectangle.x, rectangle.y, closing)
    return rectangle.h * z * float(np.linalg.norm(step))


def surface_depth(rectangle: GraspRectangle, frame: RgbdFrame) -> float | None:
    """Return the median depth of the surface about the centre, metres; None where unknown."""
    reach = max(1, round(_AROUND * min(rectangle.w, rectangle.h)))
    u, v = round(rectangle.x), round(rectangle.y)
    patch = frame.depth[
        max(v - reach, 0) : max(v + reach + 1, 0), max(u - reach, 0) : max(u + reach + 1, 0)
    ]
    known = patch[np.isfinite(patch)]
    return float(np.median(known)) if known.size else None


def plate_pixels(
    plate_length: float, x: float, y: float, theta: float, z: float, frame: RgbdFrame
) -> float:
    """Return the pixels that a plate of so many metres spans about a pixel along `theta`."""
    step = frame.intrinsics.pixel_step(x, y, (np.cos(theta), np.sin(theta)))
    return plate_length / (z * float(np.linalg.norm(step)))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.linalg.norm(vector))
    if not np.isfinite(length) or length < 1e-9:
        raise GeometryError("the approach has no length")
    return np.asarray(vector, dtype=np.float64) / length
