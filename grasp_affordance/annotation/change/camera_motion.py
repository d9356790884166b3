"""Has the camera moved between two frames that should share one view?"""

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import Mask

_CORNERS, _QUALITY, _SPACING = 200, 0.02, 9.0  # as many, as clear, as far apart (pixels) as useful
_FEWEST = 12  # corners below which nothing can be said


def image_motion(
    before: NDArray[np.uint8], after: NDArray[np.uint8], unchanged: Mask
) -> float | None:
    """Return how far the unchanged part of the image moved, pixels; None where nothing shows it.

    Corners of (H, W, 3) `before` on (H, W) `unchanged` pixels are followed into `after` (pyramidal
    Lucas-Kanade); their median motion is robust to what moves by itself.
    """
    first = cv2.cvtColor(before, cv2.COLOR_RGB2GRAY)
    second = cv2.cvtColor(after, cv2.COLOR_RGB2GRAY)
    corners = cv2.goodFeaturesToTrack(
        first, _CORNERS, _QUALITY, _SPACING, mask=unchanged.astype(np.uint8)
    )
    if corners is None or len(corners) < _FEWEST:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, corners, np.empty_like(corners), winSize=(15, 15), maxLevel=2
    )
    followed = found.ravel().astype(bool)
    if np.count_nonzero(followed) < _FEWEST:
        return None
    steps = (moved - corners).reshape(-1, 2)[followed]
    return float(np.linalg.norm(np.median(steps, axis=0)))
