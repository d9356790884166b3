"""What lies flat on the floor of a known bin: plates, lids on their backs, washers.

A pose that is some millimetres off says too little about where the floor is to tell a thin plate
from it. The floor that is seen between the objects says more: it is fitted, and how even it turns
out to be decides how low an object may be.
"""

import cv2
import numpy as np

from grasp_affordance.affordance.surface.planes import without_specks
from grasp_affordance.arrays import Array, Image, Mask

_BIN = 0.001  # metres, of the histogram of heights
_NEAR = 0.003  # metres from the fitted floor within which a cell counts as floor
_FLOOR_CELLS = 100  # fewer are no floor
_SIGMA = 1.4826  # standard deviations of a normal distribution per median deviation
_NARROWEST = 5  # cells: what is narrower holds no cup


def low_objects(
    points: Image, usable: Mask, below: float, thinnest: float, evenness: float
) -> Mask:
    """Return the cells (h, w) of what stands on the floor and is lower than `below`.

    Args:
        points: (h, w, 3) in the bin's frame, metres; z is 0 on the floor, within `below`.
        usable: (h, w) known cells inside, away from the walls.
        below: metres.
        thinnest: metres of the lowest object on an even floor.
        evenness: standard deviations of the floor by which an object must stand above it.
    """
    with np.errstate(invalid="ignore"):
        near = usable & (np.abs(points[..., 2]) < below)
    points = np.dstack([points[..., :2], _smooth(points[..., 2], near)])
    height = _over_floor(points, near)
    if height is None:
        return np.zeros(usable.shape, np.bool_)
    # By the median, since the edges of objects are among these cells.
    deviation = np.median(np.abs(height[near & (np.abs(height) < _NEAR)]))
    limit = max(thinnest, evenness * _SIGMA * float(deviation))
    return without_specks(near & (height > limit), _NARROWEST)


def _smooth(values: Image, mask: Mask) -> Image:
    """Return the mean of `values` over the 3 x 3 cells of the mask around each; 0 beyond it."""
    share = cv2.blur(mask.astype(np.float32), (3, 3))
    total = cv2.blur(np.where(mask, values, np.float32(0)), (3, 3))
    return np.where(mask, total / np.maximum(share, np.float32(0.1)), np.float32(0))


def _over_floor(points: Image, near: Mask) -> Image | None:
    """Return the heights (h, w) over the lowest level plane that many cells lie on, or None."""
    z = points[near, 2].astype(np.float64)
    level = _lowest_level(z)
    if level is None:
        return None
    design = np.column_stack([np.ones(len(z)), points[near, :2]])
    plane = np.array([level, 0.0, 0.0])
    for _ in range(4):  # a floor that is tilted by the pose's error is caught step by step
        floor = np.abs(z - design @ plane) < _NEAR
        if floor.sum() < _FLOOR_CELLS:
            return None
        plane = np.linalg.lstsq(design[floor], z[floor], rcond=None)[0]
    below = points[..., :2] @ plane[1:].astype(np.float32) + np.float32(plane[0])
    return np.asarray(points[..., 2] - below)


def _lowest_level(z: Array) -> float | None:
    """Return the lowest height (N,) at which many cells gather, or None."""
    if not z.size:
        return None
    count, edges = np.histogram(z, bins=np.arange(z.min() - 2 * _BIN, z.max() + 3 * _BIN, _BIN))
    gathered = np.convolve(count, np.ones(3), mode="same")
    padded = np.pad(gathered, 1, constant_values=-1)
    peaks = (gathered >= padded[:-2]) & (gathered > padded[2:]) & (gathered >= _FLOOR_CELLS)
    return float((edges[:-1] + _BIN / 2)[peaks][0]) if peaks.any() else None
