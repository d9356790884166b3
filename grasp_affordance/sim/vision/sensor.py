"""What an active stereo RGB-D sensor makes of a perfect image.

Image noise grows with z^2 because disparity noise is constant (Khoshelham and Elberink 2012; Ahn et
al. 2019 for RealSense); disparity is quantised; edges give flying pixels between foreground and
background; grazing, dark and mirroring surfaces give holes.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Image
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Intrinsics


@dataclass(frozen=True)
class SensorConfig:
    """An RGB-D sensor.

    Attributes:
        noise: standard deviation of depth over z^2, 1/metres (0.0012: 0.8 mm at 0.8 m).
        correlation: of the noise between neighbours, standard deviation of its blur in pixels.
        disparity_step: of the quantisation, pixels (1/32 for a D400).
        baseline: between the two imagers, metres.
        edge_step: depth step in metres that counts as an edge.
        flying: share of edge pixels that lie between foreground and background.
        edge_holes: share of edge pixels without a value.
        grazing: (start, end) angles of incidence in radians between which values die out.
        specks: share of all pixels without a value, in small blots.
        color_noise: standard deviation of colours, 0 to 255.
        lighting: standard deviation of brightness (relative) from stack to stack; half of it as
            colour cast.
    """

    noise: float = 0.0012
    correlation: float = 0.8
    disparity_step: float = 1 / 32
    baseline: float = 0.050
    edge_step: float = 0.012
    flying: float = 0.25
    edge_holes: float = 0.25
    grazing: tuple[float, float] = (float(np.radians(70)), float(np.radians(84)))
    specks: float = 0.002
    color_noise: float = 3.0
    lighting: float = 0.08

    def __post_init__(self) -> None:
        if min(self.noise, self.disparity_step, self.color_noise, self.lighting) < 0:
            raise ConfigError("noise, disparity_step, color_noise and lighting cannot be negative")
        if not 0 <= self.flying + self.edge_holes <= 1:
            raise ConfigError("flying and edge_holes are shares of the same pixels")
        if not 0 <= self.grazing[0] < self.grazing[1] <= np.pi / 2:
            raise ConfigError(f"grazing angles {self.grazing} must rise within [0, pi/2]")


class NoiseBank:
    """Large noise images, drawn once; a frame's noise is a random window of one.

    Drawing 300,000 normal numbers for every frame would cost more than rendering it.
    """

    def __init__(self, image: NDArray[np.generic], height: int, width: int) -> None:
        self._image, self._height, self._width = image, height, width

    @staticmethod
    def shape(height: int, width: int) -> tuple[int, int]:
        """Return the size a bank for windows of (height, width) should have."""
        return height + height // 2 + 17, width + width // 2 + 17

    def window(self, rng: np.random.Generator) -> NDArray[Any]:
        """Return a (height, width) view at a random place."""
        v = int(rng.integers(self._image.shape[0] - self._height + 1))
        u = int(rng.integers(self._image.shape[1] - self._width + 1))
        return self._image[v : v + self._height, u : u + self._width]


class Sensor:
    """The model with its state of light, which changes from stack to stack."""

    def __init__(
        self, config: SensorConfig, intrinsics: Intrinsics, rng: np.random.Generator
    ) -> None:
        self.config, self.intrinsics = config, intrinsics
        height, width = intrinsics.height, intrinsics.width
        shape = NoiseBank.shape(height, width)
        start, end = config.grazing
        angles = rng.uniform(start, end, shape)
        self._normal = NoiseBank(_correlated(rng, shape, config.correlation), height, width)
        self._uniform = NoiseBank(rng.random(shape, dtype=np.float32), height, width)
        self._steepest = NoiseBank(np.square(np.tan(angles), dtype=np.float32), height, width)
        self._blots = NoiseBank(_blots(rng, shape), height, width)
        color = rng.normal(0.0, config.color_noise, (*shape, 3)).round().astype(np.int16)
        self._color = NoiseBank(color, height, width)
        self.new_light(rng)

    def new_light(self, rng: np.random.Generator) -> None:
        """Draw brightness and colour cast for the next stack."""
        brightness = rng.normal(0.0, self.config.lighting)
        cast = rng.normal(0.0, self.config.lighting / 2, 3)
        gain = np.clip(1.0 + brightness + cast, 0.5, 1.5)
        levels = np.clip(np.arange(256)[:, None] * gain, 0, 255)
        self._light = np.asarray(levels, np.uint8).reshape(1, 256, 3)

    def depth(self, true: Image, returns: Image | None, rng: np.random.Generator) -> Image:
        """Return measured depth (H, W), NaN where unknown.

        Args:
            true: (H, W) float32 metres.
            returns: (H, W) float32 share of pixels that each surface gives back; None for all.
            rng: of noise and holes.
        """
        c = self.config
        edge, near = self._edges(true)
        chance = self._uniform.window(rng)
        measured = true * np.float32(c.noise)
        measured *= true
        measured *= self._normal.window(rng)
        measured += true
        flying = edge & (chance < c.flying)
        share = chance[flying] / np.float32(max(c.flying, 1e-6))
        measured[flying] = near[flying] + (true[flying] - near[flying]) * share
        measured = self._quantised(measured)
        blots = self._blots.window(rng)
        holes = edge & (chance > 1.0 - c.edge_holes)
        holes |= self._grazing(true, rng) & ~edge
        holes |= blots < c.specks
        if returns is not None:
            holes |= blots > returns
        measured[holes] = np.nan
        return measured

    def color(self, true: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return the colour image (H, W, 3) under this light with noise."""
        lit = cv2.LUT(true, self._light)
        noise = self._color.window(rng)
        return np.asarray(cv2.add(lit, noise, dtype=cv2.CV_8U), dtype=np.uint8)

    def _edges(self, true: Image) -> tuple[NDArray[np.bool_], Image]:
        kernel = np.ones((3, 3), np.uint8)
        near, far = cv2.erode(true, kernel), cv2.dilate(true, kernel)
        return np.asarray(far - near > self.config.edge_step), np.asarray(near, np.float32)

    def _quantised(self, depth: Image) -> Image:
        step = self.config.disparity_step
        if step == 0:
            return depth
        product = np.float32(self.intrinsics.fx * self.config.baseline / step)
        disparity = np.rint(product / depth)
        np.maximum(disparity, np.float32(1.0), out=disparity)
        return np.asarray(product / disparity, np.float32)

    def _grazing(self, true: Image, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Surfaces seen at a flat angle return less and less."""
        gx = cv2.Sobel(true, cv2.CV_32F, 1, 0, ksize=3, scale=self.intrinsics.fx / 8)
        gy = cv2.Sobel(true, cv2.CV_32F, 0, 1, ksize=3, scale=self.intrinsics.fy / 8)
        limit = true * true
        limit *= self._steepest.window(rng)
        return np.asarray(gx * gx + gy * gy > limit)


def _correlated(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Image:
    """Return unit normal noise whose neighbours are correlated by a blur of `sigma` pixels."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    if sigma > 0:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.float32)
        noise /= noise.std()
    return noise


def _blots(rng: np.random.Generator, shape: tuple[int, int]) -> Image:
    """Return uniform values in [0, 1] that are equal in blots of a few pixels."""
    height, width = shape
    coarse = rng.random((height // 3 + 2, width // 3 + 2), dtype=np.float32)
    v, u = np.mgrid[0:height, 0:width].astype(np.float32) / 3
    wobble = rng.uniform(0, 1, (2, *shape)).astype(np.float32)
    return np.asarray(
        cv2.remap(coarse, u + wobble[0], v + wobble[1], interpolation=cv2.INTER_NEAREST), np.float32
    )
