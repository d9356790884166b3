"""Where a view shows the bin: what happens elsewhere is none of a pick's doing."""

import cv2
import numpy as np

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import Array, Intrinsics, invert, transform_points

HEAP_OVER_RIM = 0.05  # metres by which a heap may stand out of the bin
_NEAREST = 0.05  # metres from the camera that every corner must have


def bin_polygon(
    bin_geometry: BinGeometry,
    intrinsics: Intrinsics,
    T_base_camera: Array,
    heap: float | None = None,
) -> Array | None:
    """Return the pixels (N, 2), (u, v), around what a camera sees of the bin's contents.

    Args:
        bin_geometry: the bin in the base frame.
        intrinsics: of the camera.
        T_base_camera: (4, 4).
        heap: how high the contents stand above the bin's floor, metres; `HEAP_OVER_RIM` above the
            rim by default.

    Returns:
        The convex hull of the contents' box, which may reach beyond the image; None where the pose
        is not known, or the camera is in the box.
    """
    if not np.isfinite(T_base_camera).all():
        return None
    top = bin_geometry.size[2] + HEAP_OVER_RIM if heap is None else heap
    seen = transform_points(invert(T_base_camera), bin_geometry.corners(top))
    if (seen[:, 2] < _NEAREST).any():
        return None
    pixels = intrinsics.project(seen)
    return np.asarray(cv2.convexHull(pixels.astype(np.float32))[:, 0], dtype=np.float64)
