"""The array types of this package."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Image = NDArray[np.float32]
Color = NDArray[np.uint8]

Window = tuple[slice, slice]
"""Rows and columns of an image or a map."""
