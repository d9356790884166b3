"""What an active stereo RGB-D sensor makes of a perfect image.

Depth noise grows with z^2 because disparity noise is constant (Khoshelham and Elberink 2012; Ahn et
al. 2019 for RealSense); disparity is quantised; edges give flying pixels between foreground and
background; grazing, dark and mirroring surfaces give holes.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Intrinsics

Depth = NDArray[np.float32]


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


class Sensor:
    """The model with its state of light, which changes from stack to stack."""

    def __init__(
        self, config: SensorConfig, intrinsics: Intrinsics, rng: np.random.Generator
    ) -> None:
        self.config, self.intrinsics = config, intrinsics
        self.new_light(rng)

    def new_light(self, rng: np.random.Generator) -> None:
        """Draw brightness and colour cast for the next stack."""
        brightness = rng.normal(0.0, self.config.lighting)
        cast = rng.normal(0.0, self.config.lighting / 2, 3)
        self.gain = np.clip(1.0 + brightness + cast, 0.5, 1.5).astype(np.float32)

    def depth(self, true: Depth, returns: Depth | None, rng: np.random.Generator) -> Depth:
        """Return measured depth (H, W), NaN where unknown.

        Args:
            true: (H, W) float32 metres.
            returns: (H, W) float32 share of pixels that each surface gives back; None for all.
            rng: of noise and holes.
        """
        c = self.config
        chance = rng.random(true.shape, dtype=np.float32)
        edge, near = self._edges(true)
        between = edge & (chance < c.flying)
        measured = np.where(between, near + (true - near) * (chance / max(c.flying, 1e-6)), true)
        measured = self._quantised(measured + self._noise(true, rng))
        holes = edge & (chance > 1.0 - c.edge_holes)
        holes |= self._grazing_holes(true, edge, rng)
        patches = self._patches(true.shape, rng)
        holes |= patches < c.specks
        if returns is not None:
            holes |= patches > returns
        measured[holes] = np.nan
        return measured

    def color(self, true: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return the colour image (H, W, 3) under this light with noise."""
        lit = true.astype(np.float32) * self.gain
        if self.config.color_noise:
            noise = rng.standard_normal(true.shape[:2], dtype=np.float32)[..., None]
            lit += noise * self.config.color_noise
        return np.asarray(np.clip(lit, 0, 255), dtype=np.uint8)

    def _edges(self, true: Depth) -> tuple[NDArray[np.bool_], Depth]:
        kernel = np.ones((3, 3), np.uint8)
        near, far = cv2.erode(true, kernel), cv2.dilate(true, kernel)
        return np.asarray(far - near > self.config.edge_step), np.asarray(near, np.float32)

    def _noise(self, true: Depth, rng: np.random.Generator) -> Depth:
        noise = rng.standard_normal(true.shape, dtype=np.float32)
        sigma = self.config.correlation
        if sigma > 0:
            noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), sigma), np.float32)
            kernel = cv2.getGaussianKernel(2 * round(3 * sigma) + 3, sigma)
            noise /= float((kernel**2).sum())  # the blur shrank the deviation by this
        return np.asarray(noise * (self.config.noise * true * true), np.float32)

    def _quantised(self, depth: Depth) -> Depth:
        step = self.config.disparity_step
        if step == 0:
            return np.asarray(depth, np.float32)
        product = np.float32(self.intrinsics.fx * self.config.baseline / step)
        return np.asarray(product / np.maximum(np.round(product / depth), 1.0), np.float32)

    def _grazing_holes(
        self, true: Depth, edge: NDArray[np.bool_], rng: np.random.Generator
    ) -> NDArray[np.bool_]:
        """Surfaces seen at a flat angle return less and less; edges are judged elsewhere."""
        gx = cv2.Sobel(true, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8) * self.intrinsics.fx / true
        gy = cv2.Sobel(true, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8) * self.intrinsics.fy / true
        tangent = np.sqrt(gx * gx + gy * gy)
        start, end = self.config.grazing
        share = (np.arctan(tangent) - start) / (end - start)
        return np.asarray(~edge & (rng.random(true.shape, dtype=np.float32) < share))

    def _patches(self, shape: tuple[int, ...], rng: np.random.Generator) -> Depth:
        """Return (H, W) uniform values in [0, 1] that are equal in blots of about 4 pixels."""
        height, width = shape[0], shape[1]
        coarse = rng.random((height // 4 + 1, width // 4 + 1), dtype=np.float32)
        large = cv2.resize(
            coarse, (4 * coarse.shape[1], 4 * coarse.shape[0]), interpolation=cv2.INTER_NEAREST
        )
        return np.asarray(large[:height, :width], np.float32)
