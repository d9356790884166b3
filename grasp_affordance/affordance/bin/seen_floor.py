"""The floor that is seen between the objects.

A pose that is some millimetres off, a floor that sags and a camera that bows what is flat say too
little about where the floor is to tell a thin plate from it. The floor that is seen says more: it
is fitted, and how even it turns out to be decides how low an object may be.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from grasp_affordance.affordance.surface.planes import peaks, without_specks
from grasp_affordance.arrays import Array, Image, Mask

_BIN = 0.001  # metres, of the histogram of heights
_NEAR = 0.003  # metres from the fitted floor within which a cell counts as floor
_FLOOR_CELLS = 100  # fewer are no floor
_EVERY = 2  # rows and columns of which one is fitted: neighbours err alike
_SIGMA = 1.4826  # standard deviations of a normal distribution per median deviation
_NARROWEST = 5  # cells: what is narrower holds no cup
_HALF = 0.2  # metres from the middle of a floor at which
_BENT = 0.010  # metres is what a floor is bent or askew; where little of it is seen, it is flat
_ALIKE = 25 * 0.0015**2  # square metres, variance of a cell; neighbours err alike


@dataclass(frozen=True, eq=False)
class SeenFloor:
    """Heights over the floor that is seen.

    Attributes:
        height: (h, w) float32 metres over it; NaN where depth is unknown.
        deviation: (h, w) float32 metres, standard deviation of the floor where a cell is.
    """

    height: Image
    deviation: Image

    def low_objects(self, usable: Mask, below: float, thinnest: float, evenness: float) -> Mask:
        """Return the cells (h, w) of what stands on the floor and is lower than `below`.

        Args:
            usable: (h, w) known cells inside, away from the walls.
            below: metres.
            thinnest: metres of the lowest object on an even floor.
            evenness: standard deviations of the floor by which an object must stand above it.
        """
        limit = np.maximum(thinnest, evenness * self.deviation)
        with np.errstate(invalid="ignore"):
            low = usable & (self.height > limit) & (self.height < below)
        return without_specks(low, _NARROWEST)


def see_floor(points: Image, noise: Image, usable: Mask, reach: float) -> SeenFloor | None:
    """Fit the lowest level that many cells lie on; None where none is seen.

    Args:
        points: (h, w, 3) in the bin's frame, metres; z is about 0 on the floor.
        noise: (h, w) metres, of the depth.
        usable: (h, w) known cells inside, away from the walls.
        reach: metres from z = 0 within which the floor is.
    """
    with np.errstate(invalid="ignore"):
        near = usable & (np.abs(points[..., 2]) < reach)
    z = _smooth(points[..., 2], near)
    level = _lowest_level(z[near].astype(np.float64))
    if level is None:
        return None
    middle = points[near, :2].mean(axis=0)
    design = _design(points[..., :2] - middle)
    wanted = usable & np.isfinite(points[..., 2])
    few = np.zeros_like(wanted)
    few[::_EVERY, ::_EVERY] = wanted[::_EVERY, ::_EVERY]
    rows, heights = design[few].astype(np.float64), z[few].astype(np.float64)
    shape = np.array([level, 0, 0, 0, 0, 0])
    rein = np.diag([0, 1, 1, 1, 1, 1]) * _ALIKE / _BENT**2
    for _ in range(6):  # what is bent or askew is caught step by step
        floor = np.abs(heights - rows @ shape) < _NEAR
        if floor.sum() * _EVERY**2 < _FLOOR_CELLS:
            return None
        chosen = rows[floor]
        shape = np.linalg.solve(chosen.T @ chosen + rein, chosen.T @ heights[floor])
    height = np.asarray(z - design @ shape.astype(np.float32), np.float32)
    floor_cells = wanted & (np.abs(height) < _NEAR)
    # By the median, since the edges of objects are among these cells.
    deviation = _SIGMA * float(np.median(np.abs(height[floor_cells])))
    # A floor seen at an angle is less even where it is farther away.
    with np.errstate(invalid="ignore"):
        farther = np.maximum(noise / np.median(noise[floor_cells]), 1)
    return SeenFloor(height, np.asarray(deviation * farther, np.float32))


def _design(xy: Image) -> Image:
    """Return what a bent floor is made of: 1, x, y, x², xy, y² of each cell, (h, w, 6)."""
    x, y = xy[..., 0] / np.float32(_HALF), xy[..., 1] / np.float32(_HALF)
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)


def _smooth(values: Image, mask: Mask) -> Image:
    """Return `values` with the mean of the 3 x 3 cells of the mask around each cell of it."""
    share = cv2.blur(mask.astype(np.float32), (3, 3))
    total = cv2.blur(np.where(mask, values, np.float32(0)), (3, 3))
    return np.where(mask, total / np.maximum(share, np.float32(0.1)), values)


def _lowest_level(z: Array) -> float | None:
    """Return the lowest height (N,) at which many cells gather, or None."""
    if not z.size:
        return None
    bins = np.arange(z.min() - 2 * _BIN, z.max() + 3 * _BIN, _BIN)
    levels = peaks(*np.histogram(z, bins=bins), 3, _FLOOR_CELLS)
    return float(levels[0]) if levels.size else None
