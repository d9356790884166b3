"""From a grasp rectangle in pixels to a pose and an opening in metres."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.geometry import to_quaternion
from grasp_affordance.grasp import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame

_AROUND = 0.25  # of the rectangle's sides: where the depth of the object is looked for


@dataclass(frozen=True, eq=False)
class JawGrasp:
    """Where a parallel gripper closes.

    Attributes:
        T_camera_grasp: (4, 4) float64; origin on the object's surface at the centre, z along the
            line of sight's approach (the optical axis), x along the plates, y along the closing
            direction.
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


def grasp_pose(rectangle: GraspRectangle, frame: RgbdFrame) -> JawGrasp | None:
    """Return the metric grasp of a rectangle; None where there is no depth at its centre.

    Plates and opening lie in the plane parallel to the image through the surface at the centre: the
    gripper comes along the optical axis, as the labels assume.
    """
    z = surface_depth(rectangle, frame)
    if z is None:
        return None
    T = np.eye(4)
    centre = frame.intrinsics.deproject(rectangle.x, rectangle.y, z)
    plate = _metres(rectangle.theta, z, frame)
    closing = _metres(rectangle.theta + np.pi / 2, z, frame)
    x = plate / np.linalg.norm(plate)
    T[:3, 0] = x
    T[:3, 1] = np.cross([0.0, 0.0, 1.0], x)
    T[:3, 3] = centre
    return JawGrasp(
        T,
        opening=rectangle.h * float(np.linalg.norm(closing)),
        plate_length=rectangle.w * float(np.linalg.norm(plate)),
    )


def opening_of(rectangle: GraspRectangle, frame: RgbdFrame) -> float | None:
    """Return the opening in metres; None where there is no depth at the centre."""
    z = surface_depth(rectangle, frame)
    if z is None:
        return None
    return rectangle.h * float(np.linalg.norm(_metres(rectangle.theta + np.pi / 2, z, frame)))


def surface_depth(rectangle: GraspRectangle, frame: RgbdFrame) -> float | None:
    """Return the median depth of the surface about the centre, metres; None where unknown."""
    reach = max(1, round(_AROUND * min(rectangle.w, rectangle.h)))
    u, v = round(rectangle.x), round(rectangle.y)
    patch = frame.depth[
        max(v - reach, 0) : max(v + reach + 1, 0), max(u - reach, 0) : max(u + reach + 1, 0)
    ]
    known = patch[np.isfinite(patch)]
    return float(np.median(known)) if known.size else None


def plate_pixels(plate_length: float, theta: float, z: float, frame: RgbdFrame) -> float:
    """Return the pixels that a plate of so many metres spans along `theta` at depth `z`."""
    return plate_length / float(np.linalg.norm(_metres(theta, z, frame)))


def _metres(angle: float, z: float, frame: RgbdFrame) -> NDArray[np.float64]:
    """Return the step (3,) in metres, camera frame, of one pixel along an image direction."""
    camera = frame.intrinsics
    return np.array([np.cos(angle) * z / camera.fx, np.sin(angle) * z / camera.fy, 0.0])
