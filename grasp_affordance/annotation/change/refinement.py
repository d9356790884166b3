"""From a rough mask to a clean one: binary morphology and a Gaussian filter (stage b)."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Mask
from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class RefinementConfig:
    """Sizes of the filters.

    Attributes:
        opening: diameter of the disc that specks must hold to survive, pixels.
        closing: diameter of the disc that bridges gaps and smooths bays, pixels.
        sigma: standard deviation of the Gaussian, pixels (automatic annotation, equation 3: 1).
        largest_hole: enclosed gaps up to this many pixels are filled; larger ones are real.
    """

    opening: int = 3
    closing: int = 5
    sigma: float = 1.0
    largest_hole: int = 150

    def __post_init__(self) -> None:
        if min(self.opening, self.closing) < 1 or self.sigma <= 0 or self.largest_hole < 0:
            raise ConfigError("refinement: filter sizes must be positive pixels")


def refine(rough: Mask, config: RefinementConfig) -> Mask:
    """Return the (H, W) mask without specks, gaps and frayed edges.

    Opening removes noise, closing and hole filling repair what noise tore, and the Gaussian, cut at
    one half, smooths the outline without moving straight edges.
    """
    opened = cv2.morphologyEx(rough.astype(np.uint8), cv2.MORPH_OPEN, disc(config.opening))
    margin = config.closing + int(np.ceil(4 * config.sigma))
    box = bounding_box(np.asarray(opened, np.uint8), margin)
    clean = np.zeros(rough.shape, bool)
    if box is not None:  # the filters cost as much as the pixels that they see
        closed = cv2.morphologyEx(opened[box], cv2.MORPH_CLOSE, disc(config.closing)).astype(bool)
        filled = _fill_small_holes(closed, config.largest_hole)
        clean[box] = soft_edges(filled, config.sigma) >= 0.5
    return clean


def soft_edges(mask: Mask, sigma: float) -> NDArray[np.float32]:
    """Return the mask filtered by a Gaussian, (H, W) float32 in [0, 1]; 0.5 on straight edges."""
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma))


def bounding_box(mask: NDArray[np.uint8], margin: int = 0) -> tuple[slice, slice] | None:
    """Return the (rows, columns) that hold all of a mask (H, W) and a margin; None if empty."""
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return None
    rows = slice(max(top - margin, 0), top + height + margin)
    return rows, slice(max(left - margin, 0), left + width + margin)


def disc(diameter: int) -> NDArray[np.uint8]:
    """Return a structuring element (diameter, diameter) uint8."""
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (diameter, diameter)))


def _fill_small_holes(mask: Mask, largest: int) -> Mask:
    gaps = (~mask).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(gaps, connectivity=4)
    small = stats[:, cv2.CC_STAT_AREA] <= largest
    small[0] = False  # label 0 is the mask itself
    if count <= 1 or not small.any():
        return mask
    return mask | small[labels]
