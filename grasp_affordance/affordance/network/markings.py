"""Segments of surface in two colors: where the marking is, and on which side of it a cell lies.

A cap, a label, a tool's head: where an object has another color it is often made of something else,
and heavier or lighter there. Which of the two, and whether at all, only training samples tell;
where it is, a network whose sight ends before the object does cannot see by itself.
"""

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.seal.segments import segment_means
from grasp_affordance.arrays import Array, Image

_CONTRAST = 0.10  # root mean square difference of color in [0, 1] from which it is a marking
_NEAR = 0.015  # metres from the middle within which a marking is on no side


def find_markings(color: Image, labels: NDArray[np.int32], offset: Image) -> tuple[Image, Image]:
    """Return how far the marking of each segment lies from its middle, and cells towards it,
    metres.

    The marking is what differs most from the segment's mean color: each cell counts by its squared
    difference, so the smaller part of a segment in two colors outweighs the larger.

    Args:
        color: (h, w, 3) in [0, 1].
        labels: (h, w) of the segments, 0 where there is none.
        offset: (h, w, 2) of each cell from the middle of its segment, metres.

    Returns:
        The distance of the segment's marking from its middle, and that of the cell in the marking's
        direction, negative on the other side. Both are 0 where a segment has one color or is marked
        all over, and where there is none.
    """
    away, towards = (np.zeros(labels.shape, np.float32) for _ in range(2))
    there = labels > 0
    if not there.any():
        return away, towards
    mine, at = labels[there], offset[there]
    side = _marked_sides(color[there], mine, at)
    distance = np.hypot(*side.T)
    side *= (distance / (distance**2 + _NEAR**2))[:, None]  # a direction, or nearly nothing
    away[there] = (distance * np.hypot(*side.T))[mine]
    towards[there] = (at * side[mine]).sum(axis=1)
    return away, towards


def _marked_sides(shade: Image, mine: NDArray[np.int32], at: Image) -> Array:
    """Return where the marking of each segment lies (segments, 2), from its middle, metres.

    Args:
        shade: (cells, 3) colors.
        mine: (cells,) segment of each.
        at: (cells, 2) from the middle of the segment, metres.
    """
    count = int(mine.max()) + 1
    differs = np.square(shade - segment_means(shade, mine, count)[mine]).sum(axis=1)
    side = segment_means(at, mine, count, weights=differs)
    variance = segment_means(differs[:, None], mine, count)
    return np.asarray(side * (variance / (variance + _CONTRAST**2)))
