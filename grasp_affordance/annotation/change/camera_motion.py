"""Has the camera moved between two frames that should share one view?"""

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import DepthChange, Mask
from grasp_affordance.arrays import Color
from grasp_affordance.rgbd import RgbdFrame

_CORNERS, _QUALITY, _SPACING = 200, 0.02, 9.0  # as many, as clear, as far apart (pixels) as useful
_FEWEST = 12  # corners below which nothing can be said
_ALIKE, _ALIKE_SHARE = 1.0, 0.25  # two corners move alike within so many pixels, or this share
_AGREEING = 0.5  # least share of the corners that move alike where the camera has moved
_UNCHANGED = 3.0  # standard deviations
# Response of the phase correlation: 0.5 and more for views of one scene, below 0.06 for a plain
# table.
_CLEAR = 0.2
_BETTER = 0.6  # of the difference of the images as they are: at most so much is left


def camera_motion(before: RgbdFrame, after: RgbdFrame, change: DepthChange) -> float | None:
    """Return how far the unchanged part of the image moved, pixels; None where nothing shows it.

    The recorder and the annotation use this one rule. Corners whose depth did not change are
    followed from one frame into the other. A camera that moved takes them all along. Where they do
    not move alike, they are corners of a shadow, or the camera moved too far to follow them: then
    the whole images are compared, and only a clear match counts.

    Args:
        before, after: of one size.
        change: of depth from one to the other.
    """
    unchanged = change.known & ~change.beyond(_UNCHANGED) & ~change.beyond(_UNCHANGED, -1)
    first, second = (_gray(each) for each in (before, after))
    steps = _steps(first, second, unchanged)
    if len(steps) >= _FEWEST:
        middle = np.median(steps, axis=0)
        motion = float(np.linalg.norm(middle))
        alike = np.linalg.norm(steps - middle, axis=1) <= max(_ALIKE, _ALIKE_SHARE * motion)
        if np.count_nonzero(alike) >= max(_FEWEST, _AGREEING * len(steps)):
            return motion
    return _whole_motion(first, second)


def _gray(frame: RgbdFrame) -> Color:
    return np.asarray(cv2.cvtColor(frame.color, cv2.COLOR_RGB2GRAY), np.uint8)


def _whole_motion(first: Color, second: Color) -> float | None:
    """Return by how far one image is the other, pixels, by phase correlation; None if it is not."""
    height, width = first.shape
    window = np.asarray(cv2.createHanningWindow((width, height), cv2.CV_32F))
    one, other = first.astype(np.float32), second.astype(np.float32)
    # OpenCV 5 multiplies its arguments by the window.
    (right, down), response = cv2.phaseCorrelate(one.copy(), other.copy(), window)
    if response < _CLEAR:
        return None
    # One object of many alike is gone: the images match where they are, and worse elsewhere.
    here, there = _overlap(width, round(right)), _overlap(height, round(down))
    matched = np.abs(one[there[0], here[0]] - other[there[1], here[1]]).mean()
    if matched > _BETTER * np.abs(one - other).mean():
        return None
    return float(np.hypot(right, down))


def _overlap(size: int, step: int) -> tuple[slice, slice]:
    """Return where an axis of one image and of another that lies `step` pixels further overlap."""
    return slice(max(0, -step), size - max(0, step)), slice(max(0, step), size - max(0, -step))


def _steps(first: Color, second: Color, unchanged: Mask) -> NDArray[np.float32]:
    """Return how corners moved (N, 2), pixels (u, v), by pyramidal Lucas-Kanade."""
    corners = cv2.goodFeaturesToTrack(
        first, _CORNERS, _QUALITY, _SPACING, mask=unchanged.astype(np.uint8)
    )
    if corners is None:
        return np.zeros((0, 2), np.float32)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, corners, np.empty_like(corners), winSize=(15, 15), maxLevel=2
    )
    return np.asarray((moved - corners).reshape(-1, 2)[found.ravel().astype(bool)])
