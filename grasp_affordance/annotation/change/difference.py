"""What changed between two depth images (stage a).

Two measures: the paper's, on depth normalised to 0..255, kept as the baseline; and ours, metric and
signed, in standard deviations of the sensor's noise. Both take frames of one static camera.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Image, Mask
from grasp_affordance.errors import ConfigError

_NEIGHBOURS = np.ones((3, 3), np.uint8)


@dataclass(frozen=True)
class DifferenceConfig:
    """When a change of depth counts.

    Attributes:
        noise: standard deviation of one depth value at 1 m, metres; it grows with z squared, as the
            error of any triangulating sensor does. Raised to what the pair itself shows.
        noise_limit: upper bound of the noise that a pair may show, metres at 1 m.
        resolution: standard deviation that does not depend on distance, metres.
        edge_jitter: how far depth edges wander from frame to frame, pixels.
        weak: a pixel may belong to a change beyond this many standard deviations...
        strong: ...if a pixel beyond this many is connected to it.
        seconded: where the colour changed too, `weak` becomes this and `strong` becomes `weak`:
            depth and colour together need less of each.
        color_change: grey levels by which a pixel's colour has to differ to count as changed.
    """

    noise: float = 0.0015
    noise_limit: float = 0.006
    resolution: float = 0.0005
    edge_jitter: float = 1.0
    weak: float = 3.0
    strong: float = 6.0
    seconded: float = 1.5
    color_change: float = 24.0

    def __post_init__(self) -> None:
        if not 0 < self.noise <= self.noise_limit or self.resolution < 0 or self.edge_jitter < 0:
            raise ConfigError("noise, noise_limit, resolution and edge_jitter: positive, in order")
        if not 0 < self.seconded <= self.weak <= self.strong:
            raise ConfigError("difference: 0 < seconded <= weak <= strong does not hold")
        if not 0 < self.color_change < 255:
            raise ConfigError(f"color_change {self.color_change} is not a grey level")


@dataclass(frozen=True, eq=False)
class DepthChange:
    """Signed change of depth and how far it can be trusted.

    Attributes:
        signed: (H, W) float32 metres, after minus before: positive where something left; NaN where
            either frame has no depth.
        noise: (H, W) float32 metres, standard deviation of `signed`; NaN in the same places.
    """

    signed: Image
    noise: Image

    @property
    def known(self) -> Mask:
        """(H, W): both frames have depth."""
        return np.isfinite(self.signed)

    def beyond(self, deviations: float, sign: int = 1) -> Mask:
        """Pixels whose depth grew (`sign` 1) or shrank (-1) by more than so many deviations."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.signed * np.float32(sign) > self.noise * np.float32(deviations))


def paper_difference(before: Image, after: Image) -> NDArray[np.uint8]:
    """Return I* = |I1 - I2| of depth normalised to 0..255 (automatic annotation, equation 2).

    Both images (H, W) float32 metres are normalised with the range they share, so that unchanged
    depth stays equal; unknown pixels are 0 before and after, as in a sensor's raw image.
    """
    both = np.stack([before, after])
    known = both[np.isfinite(both)]
    if known.size == 0:
        return np.zeros(before.shape, np.uint8)
    low, high = float(known.min()), float(known.max())
    scaled = (both - low) * (255.0 / max(high - low, 1e-6))
    first, second = np.nan_to_num(scaled, nan=0.0).astype(np.uint8)
    return np.asarray(cv2.absdiff(first, second))


def depth_change(before: Image, after: Image, config: DifferenceConfig) -> DepthChange:
    """Return the signed change of depth (H, W) with its per-pixel noise.

    The variance sums the sensor's noise of both frames, (noise z^2)^2 each, and the wander of edges
    that stand in both frames: there a pixel sees now the near, now the far side.
    """
    signed = after - before
    z = np.maximum(before, after)
    relative = np.float32(_relative_noise(signed, z, config))
    sensor = 2 * ((relative * z * z) ** 2 + np.float32(config.resolution) ** 2)
    edges = np.float32(config.edge_jitter) * np.minimum(_slope(before), _slope(after))
    return DepthChange(signed, np.sqrt(sensor + edges * edges))


def color_change(before: NDArray[np.uint8], after: NDArray[np.uint8], threshold: float) -> Mask:
    """Return where (H, W, 3) colours differ by more than `threshold`, exposure changes aside.

    A common step of a channel (automatic exposure) is taken off as its median; a 3x3 blur keeps
    single noisy pixels and half-pixel edges out.
    """
    first, second = cv2.blur(before, (3, 3)), cv2.blur(after, (3, 3))
    steps = second[::4, ::4].astype(np.int16) - first[::4, ::4]
    common = [float(step) for step in np.median(steps.reshape(-1, 3), axis=0)]
    difference = cv2.absdiff(cv2.add(first, np.array([*common, 0.0])), second)
    return np.asarray(cv2.inRange(difference, (0, 0, 0), (int(threshold),) * 3) == 0)


def _relative_noise(signed: Image, z: Image, config: DifferenceConfig) -> float:
    """Noise at 1 m that the pair shows: robust to a removal, which covers less than half of it."""
    sample = (signed / (z * z))[::4, ::4]
    sample = sample[np.isfinite(sample)]
    if sample.size < 100:
        return config.noise
    # 1.4826 makes the median absolute deviation that of a normal distribution
    shown = 1.4826 * float(np.median(np.abs(sample))) / np.sqrt(2)
    return float(np.clip(shown, config.noise, config.noise_limit))


def _slope(depth: Image) -> Image:
    """Half the range of known depth over each pixel's 3x3 neighbours, metres per pixel."""
    known = np.isfinite(depth)
    highest = cv2.dilate(np.where(known, depth, np.float32(-1.0)), _NEIGHBOURS)
    lowest = cv2.erode(np.where(known, depth, np.float32(1e3)), _NEIGHBOURS)
    return np.maximum(highest - lowest, 0) / 2
