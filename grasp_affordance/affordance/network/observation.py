"""A view as the compact network sees it: features and prior on a metric grid."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.special import logit

from grasp_affordance.affordance.network.compact import CompactConfig
from grasp_affordance.affordance.network.features import feature_map
from grasp_affordance.affordance.surface.grid import MetricGrid
from grasp_affordance.arrays import Image
from grasp_affordance.rgbd import RgbdFrame

_SURROUNDINGS = 6.0  # cup radii around the objects: floor and walls are context too
_PRIOR_FLOOR = 0.01  # the prior is never surer than this: evidence must be able to overrule it


@dataclass(frozen=True, eq=False)
class Observation:
    """What the network needs to evaluate one view.

    Attributes:
        grid: where the cells lie in the image.
        features: (channels, rows, columns) float32.
        prior_logit: (rows, columns) float32, logit of the seal prior; zeros when it is not used.
    """

    grid: MetricGrid
    features: Image
    prior_logit: Image

    def patch(self, row: int, column: int, reach: int) -> Image:
        """Return the features (channels, S, S) around a cell; S = 2 reach + 1.

        Beyond the border the nearest cell is repeated, as the network's own padding does.
        """
        rows = np.clip(np.arange(row - reach, row + reach + 1), 0, self.grid.rows - 1)
        columns = np.clip(np.arange(column - reach, column + reach + 1), 0, self.grid.columns - 1)
        return self.features[:, rows[:, None], columns]


def observe(
    frame: RgbdFrame,
    region: NDArray[np.bool_],
    up: NDArray[np.float64],
    config: CompactConfig,
    prior: Image | None = None,
) -> Observation:
    """Return the observation of a frame over the region of interest.

    Args:
        region: (H, W) bool; the grid covers its bounding box.
        up: (3,) unit vector against gravity, camera frame.
        prior: (H, W) float32 seal prior in [0, 1]; None when the network does not use it.

    Raises:
        FrameError: the region holds no depth.
    """
    grid = MetricGrid.over(frame, region, config.resolution, _SURROUNDINGS * config.cup_radius)
    features = feature_map(frame, region, grid, config.cup_radius, up, config.use_color)
    prior_logit = np.zeros((grid.rows, grid.columns), dtype=np.float32)
    if config.use_prior and prior is not None:
        p = np.clip(grid.sample(prior), _PRIOR_FLOOR, 1 - _PRIOR_FLOOR)
        prior_logit = logit(p).astype(np.float32)
    return Observation(grid, features, prior_logit)


def smoothed(cells: Image, sigma: float) -> Image:
    """Return a map blurred by `sigma` cells, so that the best cell is not a lonely one."""
    return np.asarray(cv2.GaussianBlur(cells, (0, 0), sigma), dtype=np.float32) if sigma else cells
