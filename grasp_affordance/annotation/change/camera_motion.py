"""Has the camera moved between two frames that should share one view?"""

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import DepthChange, Mask
from grasp_affordance.rgbd import RgbdFrame

_CORNERS, _QUALITY, _SPACING = 200, 0.02, 9.0  # as many, as clear, as far apart (pixels) as useful
_FEWEST = 12  # corners below which nothing can be said
_ALIKE, _ALIKE_SHARE = 1.0, 0.25  # two corners move alike within so many pixels, or this share
_AGREEING = 0.5  # least share of the corners that move alike where the camera has moved
_UNCHANGED = 3.0  # standard deviations


def camera_motion(
    before: RgbdFrame, after: RgbdFrame, change: DepthChange, recolored: Mask
) -> float | None:
    """Return how far the unchanged part of the image moved, pixels; None where nothing shows it.

    The recorder and the annotation use this one rule. Corners whose depth and colour did not change
    are followed from one frame into the other. A camera that moved takes them all along: where they
    do not move alike, they are corners of a shadow, or of nothing, and say nothing about it.

    Args:
        before, after: of one size.
        change: of depth from one to the other.
        recolored: (H, W), pixels whose colour changed.
    """
    unchanged = change.known & ~recolored
    unchanged &= ~change.beyond(_UNCHANGED) & ~change.beyond(_UNCHANGED, -1)
    steps = _steps(before.color, after.color, unchanged)
    if len(steps) < _FEWEST:
        return None
    middle = np.median(steps, axis=0)
    motion = float(np.linalg.norm(middle))
    alike = np.linalg.norm(steps - middle, axis=1) <= max(_ALIKE, _ALIKE_SHARE * motion)
    if np.count_nonzero(alike) < max(_FEWEST, _AGREEING * len(steps)):
        return None
    return motion


def _steps(
    before: NDArray[np.uint8], after: NDArray[np.uint8], unchanged: Mask
) -> NDArray[np.float32]:
    """Return how corners moved (N, 2), pixels (u, v), by pyramidal Lucas-Kanade."""
    first = cv2.cvtColor(before, cv2.COLOR_RGB2GRAY)
    second = cv2.cvtColor(after, cv2.COLOR_RGB2GRAY)
    corners = cv2.goodFeaturesToTrack(
        first, _CORNERS, _QUALITY, _SPACING, mask=unchanged.astype(np.uint8)
    )
    if corners is None:
        return np.zeros((0, 2), np.float32)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, corners, np.empty_like(corners), winSize=(15, 15), maxLevel=2
    )
    return np.asarray((moved - corners).reshape(-1, 2)[found.ravel().astype(bool)])
