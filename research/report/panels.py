"""Pictures of one view beside each other."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.refinement import bounding_box

_MARGIN = 20  # pixels around what is to be seen


def side_by_side(
    pictures: Sequence[NDArray[np.uint8]], region: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """Return pictures (H, W, 3) of a view in a row, cut to a region (H, W) and its surroundings.

    They stay whole where the region is empty.
    """
    box = bounding_box(region.astype(np.uint8), _MARGIN) or np.s_[:, :]
    return np.hstack([picture[box] for picture in pictures])
