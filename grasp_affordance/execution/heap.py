"""How high the contents of a bin reach: over them, tool and load pass as over the rim."""

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import transform_points
from grasp_affordance.rgbd import RgbdFrame

_STRIDE = 4  # pixels: an object that could be hit is wider
_OUTLIERS = 0.002  # share of the points that may be wrong: 3 cm^2 of a bin of 40 by 40 cm


def heap_top(view: RgbdFrame, T_base_camera: Array, bin_geometry: BinGeometry) -> float:
    """Return the height of the highest contents in a view, base frame, metres.

    That of the floor where none are seen.
    """
    few = view.depth[::_STRIDE, ::_STRIDE]
    seen = view.intrinsics.every(_STRIDE).deproject_image(few)
    points = transform_points(T_base_camera, seen.astype(np.float64))
    heights = points[bin_geometry.contains(points)][:, 2]
    return float(np.quantile(heights, 1 - _OUTLIERS)) if len(heights) else bin_geometry.floor
