"""The spine of a mask: its skeleton, approximated by one line segment (stage c)."""

from dataclasses import dataclass

import cv2
import numpy as np
from skimage.morphology import skeletonize

from grasp_affordance.annotation.change.difference import Mask
from grasp_affordance.annotation.change.refinement import bounding_box
from grasp_affordance.arrays import Array

_ROUNDS = 8  # of reweighting; the line stands still after three or four
_COMPACT = 1.8  # ratio of a mask's sides below which branches into its corners turn its skeleton


@dataclass(frozen=True, eq=False)
class Spine:
    """A line segment along an object.

    Attributes:
        origin: (2,) point on the line nearest to the mask's centre of mass, pixels (u, v).
        direction: (2,) unit vector.
        start, end: of the segment, pixels along `direction` from `origin`.
    """

    origin: Array
    direction: Array
    start: float
    end: float

    def points(self, offsets: Array) -> Array:
        """Return pixels (N, 2) at `offsets` (N,) along the line."""
        return self.origin + offsets[:, None] * self.direction


def skeleton(mask: Mask) -> Mask:
    """Return the (H, W) skeleton: border pixels peeled off as long as connectivity does not break.

    The thinning of Zhang and Suen, as in scikit-image; only the mask's box is worked on.
    """
    result = np.zeros_like(mask)
    box = bounding_box(mask.astype(np.uint8))
    if box is not None:
        result[box] = skeletonize(np.pad(mask[box], 1))[1:-1, 1:-1]
    return result


def fit_spine(mask: Mask) -> Spine | None:
    """Fit a segment to the skeleton of (H, W) `mask`; None for an empty mask.

    Skeleton points deep inside the mask count more than those of the branches into its corners,
    and outliers less (Cauchy weights, reweighted least squares). A compact mask, whose skeleton
    has no direction of its own, takes that of its narrowest bounding rectangle.
    """
    rows, columns = np.nonzero(mask)
    if rows.size == 0:
        return None
    pixels = np.stack([columns, rows], axis=1).astype(np.float64)
    bones = np.argwhere(skeleton(mask))[:, ::-1].astype(np.float64)
    depths = _depths(mask, bones)
    centre = pixels.mean(axis=0)
    (_, (width, height), _) = box = cv2.minAreaRect(pixels.astype(np.float32))
    if max(width, height) + 1 < _COMPACT * (min(width, height) + 1) or len(bones) < 3:
        anchor, direction = centre, _long_side(box)
    else:
        anchor, direction = _robust_line(bones, depths**2)
    origin = anchor + (centre - anchor) @ direction * direction
    near = np.abs((bones - origin) @ np.array([-direction[1], direction[0]])) <= 0.5 * depths + 1
    along = ((bones if not near.any() else bones[near]) - origin) @ direction
    return Spine(origin, direction, float(along.min()), float(along.max()))


def _depths(mask: Mask, bones: Array) -> Array:
    """Distance of each skeleton point from the outline, pixels (N,)."""
    distance = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    indices = bones.astype(int)
    return np.asarray(distance[indices[:, 1], indices[:, 0]], dtype=np.float64)


def _robust_line(points: Array, weights: Array) -> tuple[Array, Array]:
    """Return a point (2,) and the direction (2,) of the line through weighted points (N, 2)."""
    outlying = np.ones(len(points))
    centre, direction = points[0], np.array([1.0, 0.0])
    for _ in range(_ROUNDS):
        total = weights * outlying
        centre = total @ points / total.sum()
        offsets = points - centre
        _, vectors = np.linalg.eigh((offsets * total[:, None]).T @ offsets)
        direction = vectors[:, 1]
        distance = np.abs(offsets @ vectors[:, 0])
        scale = max(1.4826 * float(np.median(distance)), 1.0)
        outlying = 1.0 / (1.0 + (distance / scale) ** 2)
    return centre, direction


def _long_side(box: tuple) -> Array:
    """Direction (2,) of the longer side of an OpenCV rotated rectangle."""
    corners = cv2.boxPoints(box).astype(np.float64)
    sides = np.stack([corners[1] - corners[0], corners[2] - corners[1]])
    lengths = np.linalg.norm(sides, axis=1)
    longest = int(np.argmax(lengths))
    if lengths[longest] < 1e-6:
        return np.array([1.0, 0.0])
    return sides[longest] / lengths[longest]
