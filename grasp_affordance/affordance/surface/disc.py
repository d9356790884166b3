"""The neighbourhood of a cell."""

import numpy as np
from numpy.typing import NDArray


def disc(radius: float) -> NDArray[np.uint8]:
    """Return a disc of `radius` cells that is the same when turned; OpenCV's ellipse is not."""
    most = max(round(radius), 1)
    reach = np.arange(-most, most + 1)
    return (np.hypot(*np.meshgrid(reach, reach)) <= radius + 0.5).astype(np.uint8)
