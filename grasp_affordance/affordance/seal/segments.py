"""The visible segments of a pile: connected level surfaces, what lies over them, and their middles.

A cup that seals still loses what it lifts off its middle or from under something. Both show in a
surface as a whole: where its border meets something higher, that lies on it, and on that side is
its unseen rest, so its centre of mass too. No object is recognised: two faces that touch at the
same height are one segment.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.surface.disc import disc
from grasp_affordance.arrays import Array, Image, Mask

_LEVEL = np.radians(50)  # steeper is a flank: it divides segments, and no cup holds there
_REACH = 0.010  # metres beyond a segment's border in which something may overlap it
_RISE = 0.010  # metres by which that is higher than the segment would be there
_NOISE = 0.002  # metres between neighbours, of a sensor
_USUAL = 0.75  # quantile of the lengths in a view that stands for an object's whole length
_SPECK = 1.2e-4  # square metres; smaller segments say nothing about lengths


@dataclass(frozen=True, eq=False)
class Segments:
    """What is known of the segment that each cell belongs to; (h, w) float32 metres, 0 without one.

    Attributes:
        labels: (h, w) int32, a number for each segment, 0 without one.
        offset: (h, w, 2) from the middle of what is seen of the segment.
        covered: length of the segment's border over which something lies.
        lever: distance to the segment's middle; what is covered is taken to be as long as it lacks
            of the usual length in this view.
        towards: how far the cell lies from the middle of what is seen in the direction of what lies
            over it; 0 for a segment that lies free.
        length: of the longer axis of what is seen.
    """

    labels: NDArray[np.int32]
    offset: Image
    covered: Image
    lever: Image
    towards: Image
    length: Image

    @property
    def there(self) -> Mask:
        """(h, w) bool, cells of a segment."""
        return self.labels > 0


def horizontal_axes(up: Array) -> Array:
    """Return two unit vectors (3, 2) that span the plane across `up` (3,)."""
    aside = np.eye(3)[np.argmin(np.abs(up))]
    first = np.cross(up, aside)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(up, first)], axis=1)


def find_segments(
    places: NDArray[np.float32], height: Image, tilt: Image, objects: Mask, cell: float
) -> Segments:
    """Divide a view into segments.

    Args:
        places: (h, w, 2) metres along two horizontal axes; looked at where the height is known.
        height: (h, w) metres along the vertical, NaN where unknown.
        tilt: (h, w) radians between normal and vertical, NaN where unknown.
        objects: (h, w) where objects are; what is not there, such as a wall, lies over nothing.
        cell: metres per cell, across the view.
    """
    known = objects & np.isfinite(height)
    with np.errstate(invalid="ignore"):
        level = known & (tilt < _LEVEL) & ~_steps(height, known, cell)
    count, labels = cv2.connectedComponents(level.astype(np.uint8), connectivity=4)
    border = _covered_border(height, tilt, level, known, cell)
    covered = np.bincount(labels[border], minlength=count)
    at, mine = places[level], labels[level]
    seen = segment_means(at, mine, count)
    overlap = segment_means(places[border], labels[border], count)
    away = np.where(covered[:, None] > 0, overlap - seen, 0.0)
    distance = np.hypot(*away.T)
    direction = away / np.maximum(distance, 1e-6)[:, None]
    offset = at - seen[mine]
    length = _lengths(offset, mine, count)
    hidden = _usual_length(length, np.bincount(mine, minlength=count), cell) - length
    shift = np.clip(hidden / 2, 0, distance)[:, None] * direction

    def image(values: Array) -> Image:
        metres = np.zeros((*level.shape, *values.shape[1:]), np.float32)
        metres[level] = values
        return metres

    return Segments(
        labels=labels,
        offset=image(offset),
        covered=image(cell * covered[mine]),
        lever=image(np.hypot(*(offset - shift[mine]).T)),
        towards=image((offset * direction[mine]).sum(axis=1)),
        length=image(length[mine]),
    )


def _steps(height: Image, known: Mask, cell: float) -> Mask:
    """Return the cells (h, w) at which the height jumps, whatever a plane through both sides says.

    Seen aslant, a face and the floor behind it lie side by side.
    """
    square = np.ones((3, 3), np.uint8)
    highest = cv2.dilate(np.where(known, height, np.float32(-1e3)), square, borderValue=-1e3)
    lowest = cv2.erode(np.where(known, height, np.float32(1e3)), square, borderValue=1e3)
    return np.asarray(highest - lowest > np.sqrt(8) * cell * np.tan(_LEVEL) + _NOISE)


def _usual_length(length: Array, cells: NDArray[np.intp], cell: float) -> float:
    """Return how long an object usually is, from segments of which some are covered."""
    enough = length[cells * cell * cell > _SPECK]
    return float(np.quantile(enough, _USUAL)) if enough.size else 0.0


def _covered_border(height: Image, tilt: Image, level: Mask, known: Mask, cell: float) -> Mask:
    """Return the border cells (h, w) of segments beside which something rises above their plane."""
    filled = np.where(known, height, np.float32(-1e3))
    highest = cv2.dilate(filled, disc(max(1, round(_REACH / cell))), borderValue=-1e3)
    inner = cv2.erode(level.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=1) > 0
    border = level & ~inner
    own = _REACH * np.tan(tilt[border])  # to which the segment itself may rise
    border[border] = (highest - filled)[border] > _RISE + own
    return border


def segment_means(
    values: Image | Array,
    labels: NDArray[np.int32],
    count: int,
    weights: Image | None = None,
) -> Array:
    """Return the mean (count, n) of the values (cells, n) with each label; 0 where there are none.

    Args:
        weights: (cells,) by which each counts; all alike by default.
    """

    def sums(each: Image | Array) -> Array:
        weighted = each if weights is None else weights * each
        return np.bincount(labels, weights=weighted, minlength=count)

    number = np.bincount(labels, weights=weights, minlength=count)
    least = 1 if weights is None else 1e-9
    return np.stack([sums(each) for each in values.T], axis=1) / np.maximum(number, least)[:, None]


def _lengths(offset: Array, labels: NDArray[np.int32], count: int) -> Array:
    """Return the length (count,) of the rod that spreads as far as each segment.

    A rod of length L has the variance L^2 / 12 along itself.
    """
    x, y = offset.T
    xx, yy, xy = segment_means(np.stack([x * x, y * y, x * y], axis=1), labels, count).T
    largest = (xx + yy) / 2 + np.hypot((xx - yy) / 2, xy)
    return np.asarray(np.sqrt(12 * largest))
