"""The analytic seal prior: how likely a cup seals at each place, from depth alone.

It is a product of factors in [0, 1], each for one way in which a cup leaks. It needs no training,
serves from the first pick on, and is a map of the same shape and range as a learned one. It is a
ranking on the scale of a probability, not a calibrated one.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.affordance.seal.cup_rim import CupRimContact, touch
from grasp_affordance.affordance.seal.segments import Segments, find_segments, horizontal_axes
from grasp_affordance.affordance.surface.surface import Surface
from grasp_affordance.arrays import Image, Mask
from grasp_affordance.cell import Cup
from grasp_affordance.errors import ConfigError

_AROUND = 2.0  # cup radii: farther than the blur and than any error of the calibration


@dataclass(frozen=True)
class SealConfig:
    """Tolerances of a cup on the surface that the camera sees.

    Attributes:
        cup_rim_reach: metres by which a silicone cup rim closes a gap, sensor noise included.
        roughness: metres RMS along the cup rim, beyond any smooth curve, at which the factor is
            1/e.
        residual: metres RMS over the footprint, off its plane, at which the factor is 1/e.
        bend_share: share of the stroke by which the cup rim bends to a curved surface (factor 1/e).
        edge_margin: cup radii from a depth edge at which the edge no longer matters.
        hole_margin: cup radii from a hole in the depth at which it no longer matters; larger than
            the edge's because stereo depth beside a hole is made up from its neighbours.
        overlap: exponent of the product of all factors. They share causes (an edge lowers coverage,
            roughness and residual at once), so the plain product counts evidence twice.
        top_bonus: how much of the score is kept for not lying below neighbours, in [0, 1].
        lever: metres between the cup and the middle of the segment below it, at which 1/e of the
            bonus is left; off its middle an object peels from the cup.
        lever_bonus: how much of the score is kept for the middle of a segment, in [0, 1].
        longest: metres; a longer segment is no single object and has no middle.
        cover: metres of a segment's border over which something lies, at which 1/e of the bonus is
            left; what something lies on is held down.
        cover_bonus: how much of the score is kept for segments that lie free, in [0, 1].
        blur: Gaussian sigma of the final map in cup radii; without it the maximum of a wide
            surface sits on its rim.
    """

    cup_rim_reach: float = 0.002
    roughness: float = 0.001
    residual: float = 0.002
    bend_share: float = 0.15
    edge_margin: float = 1.3
    hole_margin: float = 1.8
    overlap: float = 0.33
    top_bonus: float = 0.2
    lever: float = 0.020
    lever_bonus: float = 0.5
    longest: float = 0.20
    cover: float = 0.012
    cover_bonus: float = 0.3
    blur: float = 0.4

    def __post_init__(self) -> None:
        if min(self.cup_rim_reach, self.roughness, self.residual, self.bend_share) <= 0:
            raise ConfigError("seal: lip_reach, roughness, residual, bend_share must be positive")
        if min(self.lever, self.longest, self.cover) <= 0:
            raise ConfigError("seal: lever, longest and cover must be positive")
        if min(self.edge_margin, self.hole_margin) <= 1 or self.blur < 0:
            raise ConfigError("seal: margins must be above 1 cup radius and blur not negative")
        bonuses = (self.top_bonus, self.lever_bonus, self.cover_bonus)
        if not (min(bonuses) >= 0 and max(bonuses) <= 1 and 0 < self.overlap <= 1):
            raise ConfigError("seal: bonuses must be in [0, 1], overlap in (0, 1]")


@dataclass(frozen=True, eq=False)
class Seal:
    """The prior and what it was derived from.

    Attributes:
        score: (h, w) float32 in [0, 1] on the surface's grid; 0 where nothing is known.
        contact: of the cup rim at each cell.
        tilt: (h, w) float32 radians between the cup rim's plane and the approach; NaN where
            unknown.
        segments: of the surface.
    """

    score: Image
    contact: CupRimContact
    tilt: Image
    segments: Segments


def seal_prior(
    surface: Surface,
    cup: Cup,
    up: NDArray[np.floating],
    config: SealConfig | None = None,
    objects: Mask | None = None,
) -> Seal:
    """Score every cell of a surface.

    Args:
        surface: observed with the radius of the cup.
        cup: radius, stroke and tilt are used.
        up: (3,) unit vector in the camera frame against the approach: a vertical pick's `up` is
            the base's +z, and without a calibrated camera (0, 0, -1) approaches along its axis.
        objects: (h, w) cells of objects, which may lie on each other; all by default. Farther from
            them than an error of the calibration could carry a cup the score is 0.
    """
    config = config or SealConfig()
    near = None
    if objects is not None:
        size = _window(_AROUND * cup.radius, surface)
        near = cv2.dilate(objects.view(np.uint8), np.ones((size, size), np.uint8)) > 0
    contact = touch(surface, cup.radius, config.cup_rim_reach, near)
    tilt = angle_to(contact.normals, up)
    heights = surface.points @ np.asarray(up, dtype=np.float32)
    score = (
        coverage_factor(contact.coverage)
        * tolerance_factor(contact.roughness, config.roughness)
        * tolerance_factor(surface.residual, config.residual)
        * tolerance_factor(contact.bend, config.bend_share * cup.stroke)
        * tilt_factor(tilt, cup.tilt)
        * distance_factor(surface.edge_distance, cup.radius, config.edge_margin)
        * distance_factor(surface.hole_distance, cup.radius, config.hole_margin)
        * (1 - surface.missing_share)
        * clearance_factor(heights, surface, cup)
    )
    score = np.power(score, np.float32(config.overlap))
    score *= height_factor(heights, surface, cup.radius, config.top_bonus)
    known = np.isfinite(score)
    score = np.where(known, score, np.float32(0))
    sigma = config.blur * cup.radius * surface.cells_per_metre
    if sigma > 0.1:
        score = np.where(known, cv2.GaussianBlur(score, (0, 0), sigma), np.float32(0))
    segments = find_segments(
        surface.points @ horizontal_axes(np.asarray(up)).astype(np.float32),
        heights,
        tilt,
        known if objects is None else objects,
        1 / surface.cells_per_metre,
    )
    score *= lever_factor(segments, config.lever, config.lever_bonus, config.longest)
    score *= 1 - np.float32(config.cover_bonus) * (1 - np.exp(-segments.covered / config.cover))
    return Seal(np.clip(score, 0, 1).astype(np.float32), contact, tilt, segments)


def angle_to(normals: NDArray[np.float32], up: NDArray[np.floating]) -> Image:
    """Return the angles (h, w) in radians between unit normals (h, w, 3) and `up` (3,)."""
    return np.arccos(np.clip(normals @ np.asarray(up, dtype=np.float32), -1, 1))


def coverage_factor(coverage: Image) -> Image:
    """A cup leaks where its rim meets nothing: 1 for a full rim, 0 from a quarter missing on."""
    return np.square(np.clip((coverage - 0.75) / 0.25, 0, 1))


def tolerance_factor(deviation: Image, tolerance: float) -> Image:
    """Gaussian in a deviation: 1 at none, 1/e at `tolerance`."""
    return np.exp(-np.square(deviation / np.float32(tolerance)))


def tilt_factor(tilt: Image, limit: float) -> Image:
    """The bellows follows a tilt up to its `limit`: logistic, 1/2 there, 0.95 at half of it."""
    return 1 / (1 + np.exp(np.minimum((tilt - np.float32(limit)) * np.float32(6 / limit), 50)))


def distance_factor(distance: Image, radius: float, margin: float) -> Image:
    """Linear from 0 on what the cup must not touch to 1 at `margin` cup radii from it."""
    return np.clip(distance / np.float32(margin * radius), 0, 1)


def clearance_factor(heights: Image, surface: Surface, cup: Cup) -> Image:
    """Neighbours within a cup's diameter that stand higher than its stroke are in its way."""
    known = np.isfinite(heights)
    size = _window(2 * cup.radius, surface)
    filled = np.where(known, heights, np.float32(-1e3))
    highest = cv2.dilate(filled, np.ones((size, size), np.uint8), borderValue=-1e3)
    return tolerance_factor(np.maximum(highest - heights - cup.stroke, 0), cup.stroke)


def height_factor(heights: Image, surface: Surface, radius: float, bonus: float) -> Image:
    """Among equals prefer what lies on top: 1 on the highest surface within six cup radii.

    Measured from the highest, not from the mean: the end of an object stands further above the
    mean than its middle does, and is the worse place.
    """
    known = np.isfinite(heights)
    size = _window(6 * radius, surface)
    filled = np.where(known, heights, np.float32(-1e3))
    highest = cv2.dilate(filled, np.ones((size, size), np.uint8), borderValue=-1e3)
    return 1 - np.float32(bonus) * (1 - tolerance_factor(highest - heights, 3 * radius))


def lever_factor(segments: Segments, lever: float, bonus: float, longest: float) -> Image:
    """Prefer the middle of a segment, which stands for the unseen centre of mass.

    A segment longer than `longest` metres is a layer of many objects, whose middle means nothing:
    1.
    """
    off_middle = 1 - tolerance_factor(segments.lever, lever)
    off_middle = np.where(segments.length > longest, np.float32(0), off_middle)
    return 1 - np.float32(bonus) * np.where(segments.there, off_middle, np.float32(1))


def _window(half: float, surface: Surface) -> int:
    """Return the odd size in cells of a window of half size `half` metres at the median depth."""
    return 2 * max(1, round(half * surface.cells_per_metre)) + 1
