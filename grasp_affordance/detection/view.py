"""How a detector looks at a frame."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.detection.samples import Mask
from grasp_affordance.detection.warp import Similarity
from grasp_affordance.errors import FrameError


@dataclass(frozen=True)
class WarpedView:
    """A detector's own image of a frame.

    Attributes:
        similarity: from the frame's pixels to the view's.
        size: (width, height) of the view.
        centre: (u, v) pixel of the view that shows the middle of the frame, or of its region.
    """

    similarity: Similarity
    size: tuple[int, int]
    centre: tuple[float, float]


def bounding_box(
    shape: tuple[int, int], region: Mask | None, margin: int
) -> tuple[int, int, int, int]:
    """Return (u0, v0, width, height) around a region (H, W), widened by `margin` pixels.

    The whole image without a region or with an empty one.

    Raises:
        FrameError: the region is of another size than `shape`.
    """
    height, width = shape
    if region is None:
        return 0, 0, width, height
    if region.shape != shape:
        raise FrameError(f"region {region.shape} and frame {shape} differ in size")
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if rows.size == 0:
        return 0, 0, width, height
    u0, v0 = max(int(columns[0]) - margin, 0), max(int(rows[0]) - margin, 0)
    u1 = min(int(columns[-1]) + margin + 1, width)
    v1 = min(int(rows[-1]) + margin + 1, height)
    return u0, v0, u1 - u0, v1 - v0
