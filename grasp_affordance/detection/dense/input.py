"""What the dense network sees: relief and color, independent of where the camera stands.

No channel holds the distance to the camera. Height is relative to local means at several scales,
which a tilt of the view changes little, and to the highest and the lowest surface nearby: the one
tells whether something lies upon the object, the other whether plates find room beside it.
"""

from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.surface.disc import disc
from grasp_affordance.arrays import Image
from grasp_affordance.rgbd import RgbdFrame

# Standard deviation of the local means in millimetres, and the height that becomes 1.
_MEANS = ((6.0, 0.004), (16.0, 0.010), (45.0, 0.030))
_NEAR, _NEAR_HEIGHT = 30.0, 0.030  # in which the highest surface is looked for; millimetres, metres
_FAR, _FAR_HEIGHT = 60.0, 0.040  # in which the lowest is
_COARSE = 4  # pixels per cell of the grid on which extremes are found
_LIMIT = 3.0


class Inputs(StrEnum):
    """What the network sees of a frame."""

    RGBD = "rgbd"
    DEPTH = "depth"
    COLOR = "color"

    @property
    def channels(self) -> int:
        """How many channels that is."""
        return {"rgbd": _RELIEF + 3, "depth": _RELIEF, "color": 3}[self.value]


_RELIEF = len(_MEANS) + 2 + 1  # channels of depth


def dense_input(frame: RgbdFrame, resolution: float, inputs: Inputs = Inputs.RGBD) -> Image:
    """Return the channels (C, H, W) float32, finite everywhere; relief first, then color.

    Args:
        frame: already resampled so that a pixel is about `resolution` metres wide.
        inputs: which of them.
    """
    color = np.moveaxis(frame.color.astype(np.float32), -1, 0) / 127.5 - 1.0
    if inputs is Inputs.COLOR:
        return color
    relief = _relief(frame, resolution)
    return relief if inputs is Inputs.DEPTH else np.concatenate([relief, color])


def _relief(frame: RgbdFrame, resolution: float) -> Image:
    known = frame.known
    weight = known.astype(np.float32)
    middle = float(np.median(frame.depth[known])) if known.any() else 0.0
    # Height above a common level: small numbers, and nothing where nothing is known.
    height = np.where(known, middle - frame.depth, np.float32(0)).astype(np.float32)
    pixel = 1000.0 * resolution
    relief = [
        (height - _mean(height, weight, sigma / pixel)) * weight / scale for sigma, scale in _MEANS
    ]
    highest, lowest = _extremes(height, known, pixel)
    relief.append((height - highest) * weight / _NEAR_HEIGHT)
    relief.append((height - lowest) * weight / _FAR_HEIGHT)
    stacked = np.stack([np.clip(channel, -_LIMIT, _LIMIT) for channel in relief] + [weight])
    return stacked.astype(np.float32)


def _extremes(height: Image, known: NDArray[np.bool_], pixel: float) -> tuple[Image, Image]:
    """Return the highest and the lowest surface around each pixel, (H, W) each."""
    rows, columns = height.shape
    size = (max(columns // _COARSE, 1), max(rows // _COARSE, 1))
    share = cv2.resize(known.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(height, size, interpolation=cv2.INTER_AREA)
    some = share > 0.1
    mean = np.where(some, total / np.maximum(share, 0.1), np.float32(0)).astype(np.float32)
    far = np.float32(1e3)
    cell = pixel * _COARSE
    high = cv2.dilate(np.where(some, mean, -far), disc(_NEAR / cell))
    low = cv2.erode(np.where(some, mean, far), disc(_FAR / cell))
    high, low = np.where(high > -far, high, mean), np.where(low < far, low, mean)
    full = (columns, rows)
    return (
        np.asarray(cv2.resize(high, full, interpolation=cv2.INTER_LINEAR), dtype=np.float32),
        np.asarray(cv2.resize(low, full, interpolation=cv2.INTER_LINEAR), dtype=np.float32),
    )


def _mean(values: Image, weight: Image, sigma: float) -> Image:
    """Return the Gaussian mean over known pixels (normalised convolution); wide ones are coarse."""
    step = max(int(sigma / 2), 1)
    rows, columns = values.shape
    size = (max(columns // step, 1), max(rows // step, 1))

    def blurred(image: Image) -> Image:
        small = image if step == 1 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma / step, borderType=cv2.BORDER_REPLICATE)
        if step == 1:
            return np.asarray(small, dtype=np.float32)
        return np.asarray(
            cv2.resize(small, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32
        )

    return np.asarray(blurred(values) / np.maximum(blurred(weight), 1e-3), dtype=np.float32)
