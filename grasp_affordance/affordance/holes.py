"""Depth that is missing: which holes are sensor noise, and where surfaces end.

A stereo camera loses single pixels everywhere and whole areas where it cannot match: glass, mesh,
glossy metal, the shadow beside an edge. Only the first may be closed. Nothing here invents a
surface on which a cup could land: what is filled is at most two pixels wide, lies in a surface
that is smooth all around, and is reported.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

_SQUARE = np.ones((3, 3), np.uint8)
_REACH = 2  # pixels around a pinhole that are looked at


def fill_pinholes(depth: Image, smooth: float = 0.008) -> tuple[Image, Mask]:
    """Close holes at most two pixels wide that lie in a smooth surface.

    Args:
        depth: (H, W) float32 metres, NaN where unknown.
        smooth: metres; the known depths within two pixels may differ by this much (a surface
            steeper than that over five pixels, or an edge, stays open).

    Returns:
        The depth with pinholes replaced by the mean of the known depths within two pixels, and the
        (H, W) mask of the pixels invented so.
    """
    known = np.isfinite(depth)
    closed = cv2.morphologyEx(
        known.view(np.uint8), cv2.MORPH_CLOSE, _SQUARE, borderType=cv2.BORDER_REPLICATE
    )
    rows, columns = np.nonzero((closed > 0) & ~known)
    around = np.arange(-_REACH, _REACH + 1)
    padded = np.pad(depth, _REACH, constant_values=np.nan)
    near = padded[
        (rows[:, None] + _REACH + np.repeat(around, len(around))),
        (columns[:, None] + _REACH + np.tile(around, len(around))),
    ]
    given = np.isfinite(near)
    extent = np.max(near, axis=1, initial=-np.inf, where=given) - np.min(
        near, axis=1, initial=np.inf, where=given
    )
    filled = depth.copy()
    invented = np.zeros_like(known)
    count = given.sum(axis=1)
    smooth_around = (count > 0) & (extent <= smooth)
    rows, columns = rows[smooth_around], columns[smooth_around]
    total = np.sum(near, axis=1, initial=0, where=given)[smooth_around]
    filled[rows, columns] = total / count[smooth_around]
    invented[rows, columns] = True
    return filled, invented


def depth_edges(inverse_depth: Image, jump: float) -> Mask:
    """Mark the pixels at which the surface breaks off.

    A plane, however steep, is linear in inverse depth over the image, so its second difference is
    zero; a step of height h has one of about h / z². Both image directions are looked at.

    Args:
        inverse_depth: (H, W) float32 1/metres, NaN where unknown (never an edge by itself).
        jump: metres of second difference between neighbouring pixels that make an edge.
    """
    edges = np.zeros(inverse_depth.shape, np.bool_)
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
