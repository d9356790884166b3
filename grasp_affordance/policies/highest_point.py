"""Highest point: what lies on top is free."""

import cv2
import numpy as np

from grasp_affordance.policies.policy import View
from grasp_affordance.policies.ranking import RankingConfig, on_objects, rank
from grasp_affordance.suction import Selection

_WINDOW = 5  # pixels; a single flying pixel must not win
_TIE = 0.002  # metres; the top of a lying cylinder is a line, of which no end should be preferred


class HighestPoint:
    """Takes the highest pixels in the base frame, after a median filter against outliers.

    Heights are compared in steps of 2 mm; which of equals comes first is drawn at random.
    """

    name = "highest"

    def __init__(self, config: RankingConfig | None = None) -> None:
        self._config = config or RankingConfig()

    def choose(self, view: View) -> Selection:
        """Return the highest points, best first; the score is the height in bin depths, halved."""
        points_base = view.base_points()
        height = points_base[..., 2] - view.bin.floor
        filled = np.where(np.isfinite(height), height, 0.0).astype(np.float32)
        steps = np.round(cv2.medianBlur(filled, _WINDOW) / _TIE)
        smooth = (steps + view.rng.random(steps.shape)) * _TIE / (2 * view.bin.size[2])
        allowed = on_objects(view, points_base, self._config)
        return rank(smooth.astype(np.float64), allowed, view, points_base, self._config)
