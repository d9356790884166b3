"""Dense positive labels: where on the removed object a cup would have sealed as well."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import Mask
from grasp_affordance.annotation.change.refinement import disc
from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class DenseLabelConfig:
    """Which pixels of the mask join the executed one.

    Attributes:
        tolerance: a pixel whose seal score is at most this much below that of the executed pixel
            seals alike.
        margin: pixels this close to the outline are left out: the cup would overhang.
    """

    tolerance: float = 0.05
    margin: int = 2

    def __post_init__(self) -> None:
        if self.tolerance < 0 or self.margin < 0:
            raise ConfigError("dense labels: tolerance and margin must not be negative")


def dense_positives(
    mask: Mask,
    seal: NDArray[np.floating],
    executed: tuple[int, int],
    config: DenseLabelConfig,
) -> Mask:
    """Return (H, W) pixels to label as the successful pick at pixel `executed` (u, v).

    Args:
        mask: (H, W), the removed object.
        seal: (H, W) score of a cup's seal, higher is better; NaN where it cannot be told.
        executed: where the cup was; its own pixel is always a positive.

    A pixel counts if a cup there would have sealed at least about as well as where it did seal.
    If the mask does not hold the executed pixel it is of another object: only that pixel counts.
    """
    u, v = executed
    alone = np.zeros_like(mask)
    alone[v, u] = True
    reference = float(seal[v, u])
    if not mask[v, u] or not np.isfinite(reference):
        return alone
    inner = cv2.erode(np.pad(mask, 1).astype(np.uint8), disc(2 * config.margin + 1))[1:-1, 1:-1]
    with np.errstate(invalid="ignore"):
        alike = seal >= reference - config.tolerance
    return (inner.astype(bool) & alike & mask) | alone
