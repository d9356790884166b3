"""What a view does not tell, as a factor on its probabilities.

A map says how well a cup holds on a surface. Where nobody knows which surface is the floor, it says
so of the floor too.
"""

import numpy as np

from grasp_affordance.affordance.bin.region import Region
from grasp_affordance.affordance.surface.planes import peaks
from grasp_affordance.affordance.surface.surface import Surface
from grasp_affordance.arrays import Array, Image, Mask

_IS_OBJECT = 0.5
"""Share of the best points on a level that may be the floor which lie on objects.

In simulated views without a known floor (research/benchmarks/unknown_floor.py): all 28 in bins
packed with parts, 16 of 42 on glossy floors that show mirror images beneath. Such a view does not
tell which of the two it is.
"""
_FLAT = float(np.cos(np.radians(25)))  # of a cell's normal with the vertical
_BIN = 0.002  # metres, of the histogram of heights
_WITHIN = 0.010  # metres from a level within which a cell lies on it; the least height of objects
_SHARE = 0.20  # of the level cells of what may be objects that lie on one that may be the floor


def doubt(surface: Surface, region: Region) -> Image:
    """Return the factor (h, w) float32 in (0, 1] by which what is not known lowers probabilities.

    P(success) = P(object) P(success | object), and a map is the second of these.
    """
    return np.where(may_be_floor(surface, region), np.float32(_IS_OBJECT), np.float32(1))


def may_be_floor(surface: Surface, region: Region) -> Mask:
    """Return the cells (h, w) of the highest wide level and beneath, unless the floor is known.

    What stands higher lies on something, and is an object. Beneath may be the table of the bin.
    """
    nowhere = np.zeros(surface.shape, np.bool_)
    if region.floor_known or not region.foreground.any():
        return nowhere
    up = region.up.astype(np.float32)
    height = surface.points @ up
    with np.errstate(invalid="ignore"):
        flat = region.foreground & (surface.normals @ up > _FLAT)
    least = max(3, round(_SHARE * int(flat.sum())))
    level = _highest(height[flat].astype(np.float64), least)
    if level is None:
        return nowhere
    with np.errstate(invalid="ignore"):
        return region.foreground & (height < level + _WITHIN)


def _highest(heights: Array, least: int) -> float | None:
    """Return the highest height (N,) at which `least` of them gather; None where there is none."""
    if heights.size < least:
        return None
    edges = np.arange(heights.min() - 2 * _BIN, heights.max() + 3 * _BIN, _BIN)
    levels = peaks(*np.histogram(heights, bins=edges), round(_WITHIN / _BIN), least)
    return float(levels[-1]) if levels.size else None
