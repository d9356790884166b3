"""Scenes for the nodes' tests: flat boxes under a vertical camera."""

import numpy as np

from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rgbd import RgbdFrame

# A vertical camera 0.8 m above the base's origin, looking down.
T_BASE_CAMERA = np.array(
    [[1.0, 0, 0, 0], [0, -1.0, 0, 0], [0, 0, -1.0, 0.8], [0, 0, 0, 1.0]]
)  # fmt: skip

CAMERA = "/camera/camera"


def box_frame(boxes: int = 2, stamp_ns: int = 0) -> RgbdFrame:
    """Return a view of flat boxes, 60 mm high, on a table 0.8 m under the camera."""
    intrinsics = Intrinsics(300.0, 300.0, 159.5, 119.5, 320, 240)
    depth = np.full((240, 320), 0.8, np.float32)
    color = np.full((240, 320, 3), 90, np.uint8)
    for i in range(boxes):
        rows, columns = box_pixels(i)
        depth[rows, columns] = 0.74
        color[rows, columns] = (200, 40 + 100 * i, 40)
    return RgbdFrame(color, depth, intrinsics, stamp_ns=stamp_ns)


def box_pixels(index: int) -> tuple[slice, slice]:
    """Return rows and columns that a box covers."""
    return slice(90, 150), slice(60 + 110 * index, 130 + 110 * index)
