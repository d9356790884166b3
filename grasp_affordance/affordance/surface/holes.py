"""Depth that is missing: which holes are sensor noise, and where surfaces end.

A stereo camera loses single pixels everywhere and whole areas where it cannot match: glass, mesh,
glossy metal, the shadow beside an edge. Only the first may be closed. Nothing here invents a
surface on which a cup could land: what is filled is at most two pixels wide, lies in a surface
that is smooth all around, and is reported.
"""

import cv2
import numpy as np

from grasp_affordance.arrays import Image, Mask

_SQUARE = np.ones((3, 3), np.uint8)
_REACH = 2  # pixels around a pinhole that are looked at


def fill_pinholes(depth: Image, smooth: float = 0.004) -> tuple[Image, Mask]:
    """Close holes at most two pixels wide that lie in a smooth surface.

    On a smooth surface, tilted or not, the mean of two depths at opposite sides is the depth in the
    middle, whichever way one looks. Across a step or beside an edge the directions disagree, and
    along the shadow of an edge nothing is known.

    Args:
        depth: (H, W) float32 metres, NaN where unknown.
        smooth: metres by which the directions may disagree; row and column must be among them.

    Returns:
        The depth with pinholes replaced by the mean over the directions within two pixels, and the
        (H, W) mask of the pixels invented so.
    """
    known = np.isfinite(depth)
    closed = cv2.morphologyEx(
        known.view(np.uint8), cv2.MORPH_CLOSE, _SQUARE, borderType=cv2.BORDER_REPLICATE
    )
    rows, columns = np.nonzero((closed > 0) & ~known)
    padded = np.pad(depth, _REACH, constant_values=np.nan)
    around = np.arange(-_REACH, _REACH + 1)
    down, right = np.repeat(around, len(around)), np.tile(around, len(around))
    steps = down * padded.shape[1] + right  # to the neighbours in memory
    here = (rows + _REACH) * padded.shape[1] + columns + _REACH
    near = padded.ravel()[here + steps[:, None]]
    half = len(steps) // 2
    means = (near[:half] + near[:half:-1]) / 2  # opposite neighbours; NaN where one is unknown
    spread = np.fmax.reduce(means, axis=0) - np.fmin.reduce(means, axis=0)
    along_row, along_column = (
        np.isfinite(means[(axis == 0)[:half]]).any(axis=0) for axis in (down, right)
    )
    agree = along_row & along_column & (spread <= smooth)
    rows, columns = rows[agree], columns[agree]
    filled = depth.copy()
    filled[rows, columns] = np.nanmean(means[:, agree], axis=0)
    invented = np.zeros_like(known)
    invented[rows, columns] = True
    return filled, invented


def depth_edges(inverse_depth: Image, jump: float) -> Mask:
    """Mark the pixels at which the surface breaks off.

    A plane, however steep, is linear in inverse depth over the image, so its second difference is
    zero; a step of height h has one of about h / z². Both image directions are looked at, after a
    3x3 median, which takes noise away and leaves steps.

    Args:
        inverse_depth: (H, W) float32 1/metres, NaN where unknown (never an edge by itself).
        jump: metres of second difference between neighbouring pixels that make an edge.
    """
    edges = np.zeros(inverse_depth.shape, np.bool_)
    known = np.isfinite(inverse_depth)
    median = np.asarray(cv2.medianBlur(np.where(known, inverse_depth, np.float32(0)), 3))
    inverse_depth = np.where(known, median, np.float32(np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        limit = jump * inverse_depth * inverse_depth
        for axis in (0, 1):
            w = np.moveaxis(inverse_depth, axis, 0)
            bend = np.abs(w[:-2] - 2 * w[1:-1] + w[2:])
            np.moveaxis(edges, axis, 0)[1:-1] |= bend > np.moveaxis(limit, axis, 0)[1:-1]
    return edges


def distance_to(mask: Mask, border: bool = False) -> Image:
    """Return each pixel's distance to the nearest True pixel in pixels (H, W); +inf if none is.

    Args:
        border: the outside of the image counts as True.
    """
    free = np.ones((mask.shape[0] + 2, mask.shape[1] + 2), np.uint8)
    free[1:-1, 1:-1] = ~mask
    if border:
        free[[0, -1]] = 0
        free[:, [0, -1]] = 0
    if free.all():
        return np.full(mask.shape, np.inf, np.float32)
    distance = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_5)
    return np.ascontiguousarray(distance[1:-1, 1:-1], dtype=np.float32)
