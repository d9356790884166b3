"""Similarity transforms of images and grasp rectangles together."""

from dataclasses import dataclass, replace
from typing import Self

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from grasp_affordance.arrays import Array
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame

_SHRINK = 0.75  # images that shrink more are averaged first, or thin things would flicker


@dataclass(frozen=True)
class Similarity:
    """Turn, scale and shift of the image plane: p' = scale R(angle) p + shift.

    A pixel's integer coordinates are its centre.

    Attributes:
        scale: pixels after per pixel before.
        angle: radians, from +u towards +v.
        shift: (u, v), pixels after.
    """

    scale: float = 1.0
    angle: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)

    @classmethod
    def resize(cls, scale: float) -> Self:
        """The scaling that maps the corner of the image to the corner of the image."""
        return cls(scale, 0.0, (0.5 * scale - 0.5, 0.5 * scale - 0.5))

    @classmethod
    def about(cls, centre: ArrayLike, to: ArrayLike, scale: float, angle: float) -> Self:
        """The turn and scaling that brings pixel `centre` to pixel `to`."""
        moved = _linear(scale, angle) @ np.asarray(centre, float)
        u, v = np.asarray(to, float) - moved
        return cls(scale, angle, (float(u), float(v)))

    @property
    def matrix(self) -> Array:
        """(2, 3), as OpenCV takes it."""
        return np.column_stack([_linear(self.scale, self.angle), self.shift])

    @property
    def inverse(self) -> "Similarity":
        """The way back."""
        back = -_linear(1 / self.scale, -self.angle) @ np.asarray(self.shift)
        return Similarity(1 / self.scale, -self.angle, (float(back[0]), float(back[1])))

    def after(self, first: "Similarity") -> "Similarity":
        """Return the transform that does `first`, then this one."""
        u, v = self.points(first.shift)
        return Similarity(self.scale * first.scale, self.angle + first.angle, (float(u), float(v)))

    def points(self, points: ArrayLike) -> Array:
        """Map pixels (..., 2)."""
        linear = _linear(self.scale, self.angle)
        return np.asarray(points, float) @ linear.T + np.asarray(self.shift)

    def rectangle(self, rectangle: GraspRectangle) -> GraspRectangle:
        """Map a grasp rectangle."""
        x, y = self.points((rectangle.x, rectangle.y))
        theta = float((rectangle.theta + self.angle) % np.pi)
        return GraspRectangle(
            float(x),
            float(y),
            theta if theta < np.pi else 0.0,  # -1e-17 % pi is pi
            rectangle.w * self.scale,
            rectangle.h * self.scale,
        )

    def intrinsics(self, camera: Intrinsics, size: tuple[int, int]) -> Intrinsics:
        """Return those of the warped image of `size` (width, height).

        After a turn they are right for lengths near the image plane's axis, not for directions.
        """
        cx, cy = self.points((camera.cx, camera.cy))
        fx, fy = camera.fx * self.scale, camera.fy * self.scale
        return replace(
            camera, fx=fx, fy=fy, cx=float(cx), cy=float(cy), width=size[0], height=size[1]
        )


def _linear(scale: float, angle: float) -> Array:
    c, s = np.cos(angle), np.sin(angle)
    return scale * np.array([[c, -s], [s, c]])


def warp_frame(frame: RgbdFrame, similarity: Similarity, size: tuple[int, int]) -> RgbdFrame:
    """Return the frame seen through `similarity`, as an image of `size` (width, height).

    Depth is never mixed across an edge: each pixel takes the nearest. Outside the frame color is
    black and depth unknown.
    """
    return RgbdFrame(
        _warp_color(frame.color, similarity, size),
        _warp_nearest(frame.depth, similarity, size, float("nan")),
        similarity.intrinsics(frame.intrinsics, size),
        frame.stamp_ns,
        frame.frame_id,
    )


def warp_sample(sample: GraspSample, similarity: Similarity, size: tuple[int, int]) -> GraspSample:
    """Return frame, rectangles and known area moved together.

    Rectangles whose centre leaves the image are dropped; outside the frame nothing is known.
    """
    moved = (similarity.rectangle(rectangle) for rectangle in sample.rectangles)
    width, height = size
    inside = tuple(r for r in moved if -0.5 <= r.x < width - 0.5 and -0.5 <= r.y < height - 0.5)
    known = _warp_nearest(sample.known.astype(np.uint8), similarity, size, 0) > 0
    return GraspSample(sample.name, warp_frame(sample.frame, similarity, size), inside, known)


def _warp_color(
    image: NDArray[np.uint8], similarity: Similarity, size: tuple[int, int]
) -> NDArray[np.uint8]:
    matrix = similarity.matrix
    if similarity.scale < _SHRINK:
        height, width = image.shape[:2]
        small = (max(round(width * similarity.scale), 1), max(round(height * similarity.scale), 1))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        # back to the large image's pixels, exactly as the rounded size shrank them
        sx, sy = width / small[0], height / small[1]
        back = np.array([[sx, 0, 0.5 * sx - 0.5], [0, sy, 0.5 * sy - 0.5], [0, 0, 1]])
        matrix = matrix @ back
    return np.asarray(cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR), dtype=np.uint8)


def _warp_nearest(
    image: NDArray[np.float32] | NDArray[np.uint8],
    similarity: Similarity,
    size: tuple[int, int],
    outside: float,
) -> NDArray:
    return np.asarray(
        cv2.warpAffine(
            image,
            similarity.matrix,
            size,
            flags=cv2.INTER_NEAREST,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=outside,
        )
    )
