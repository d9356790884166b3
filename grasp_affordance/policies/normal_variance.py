"""Normal variance: the geometric suction baseline of Zeng et al. 2018.

"Robotic Pick-and-Place of Novel Objects in Clutter with Multi-Affordance Grasping and Cross-Domain
Image Matching", ICRA 2018, arXiv 1710.01330: a surface whose normals vary little holds a cup well.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.surface.surface import observe_surface
from grasp_affordance.policies.policy import View
from grasp_affordance.policies.ranking import RankingConfig, on_objects, rank
from grasp_affordance.suction import Selection

_WINDOW = 0.030  # metres, side of the window: 25 pixels of their camera at its distance


class NormalVariance:
    """Prefers pixels around which the surface normal varies least.

    The score is 1 - s / max(s), where s is the standard deviation of the normal in a square window,
    averaged over its three components. A normal that cannot be fitted counts as zero, so that edges
    of holes score badly. Foreground is what stands clear of the bin's floor, where the authors
    subtract an image of the empty bin. The cup comes from above, as for all policies, where theirs
    follows the normal.
    """

    name = "normal_variance"

    def __init__(self, config: RankingConfig | None = None) -> None:
        self._config = config or RankingConfig()

    def choose(self, view: View) -> Selection:
        """Return the points of least normal variance, best first."""
        points_base = view.base_points()
        allowed = on_objects(view, points_base, self._config)
        if not allowed.any():
            return rank(np.zeros(allowed.shape), allowed, view, points_base, self._config)
        surface = observe_surface(view.frame, view.cup.radius / 2)
        distance = float(np.median(view.frame.depth[allowed]))
        window = max(3, round(_WINDOW * surface.intrinsics.fx / distance))
        deviation = normal_deviation(surface.normals, window)
        score = surface.to_image((1.0 - deviation / deviation.max()).astype(np.float32))
        return rank(score.astype(np.float64), allowed, view, points_base, self._config)


def normal_deviation(normals: NDArray[np.float32], window: int) -> NDArray[np.float64]:
    """Return the standard deviation (H, W) of normals (H, W, 3) in square windows, mean of xyz."""
    known = np.nan_to_num(normals, nan=0.0).astype(np.float64)
    mean = cv2.blur(known, (window, window))
    square = cv2.blur(known * known, (window, window))
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0.0)).mean(axis=-1))
