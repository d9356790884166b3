"""What the order of removal tells: which objects lay upon which (stage e)."""

from collections.abc import Mapping

import numpy as np

from grasp_affordance.annotation.change.difference import Mask

_LEAST_SHARE = 0.05  # of the lower object's mask; less is a frayed outline


def covered_by(masks: Mapping[int, Mask]) -> dict[int, tuple[int, ...]]:
    """Return for each removal the earlier ones whose object lay upon its object.

    Args:
        masks: (H, W) per index of removal, each in the frame before that removal. In a static view
            an object that overlaps the mask of one removed later was nearer to the camera.
    """
    over: dict[int, tuple[int, ...]] = {}
    for index, mask in masks.items():
        least = _LEAST_SHARE * max(int(np.count_nonzero(mask)), 1)
        over[index] = tuple(
            earlier
            for earlier, other in masks.items()
            if earlier < index and np.count_nonzero(mask & other) >= least
        )
    return over


def still_covered(over: Mapping[int, tuple[int, ...]], index: int) -> tuple[int, ...]:
    """Return the later removals whose object was covered in the frame before removal `index`."""
    return tuple(
        later
        for later, coverers in over.items()
        if later > index and any(coverer >= index for coverer in coverers)
    )
