"""What left, what came and what only the colour shows between two frames of one static camera.

The one measurement behind the labels, the removal check of a pick and dense labels for learning.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import (
    DepthChange,
    DifferenceConfig,
    Mask,
    color_change,
    depth_change,
)
from grasp_affordance.annotation.change.refinement import (
    RefinementConfig,
    bounding_box,
    disc,
    refine,
)
from grasp_affordance.annotation.change.region import ChangeRegion, components, measure
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.rgbd import RgbdFrame


@dataclass(frozen=True)
class SceneChangeConfig:
    """How regions are formed.

    Attributes:
        difference: when a pixel counts as changed.
        refinement: of the masks.
        smallest_region: smaller changes are noise, pixels.
        least_height: changes lower than this are noise, metres.
        step: a part of a region whose change is below this share of the region's height is a region
            of its own: a neighbour that sank a little beside the object that left.
        mixed: pixels on the rim of a region whose change is below this share of the largest within
            two pixels are dropped: such a pixel saw what left and what is behind it at once.
        mixed_step: only where the two differ by this, metres; a surface that ends gently has a low
            rim of its own.
        region_margin: objects may stand out of the observed polygon by this much, pixels; the
            polygon outlines the bin's floor, and what stands on it projects beyond.
    """

    difference: DifferenceConfig = field(default_factory=DifferenceConfig)
    refinement: RefinementConfig = field(default_factory=RefinementConfig)
    smallest_region: int = 60
    least_height: float = 0.003
    step: float = 0.1
    mixed: float = 0.5
    mixed_step: float = 0.005
    region_margin: int = 12

    def __post_init__(self) -> None:
        if not (0 <= self.step < 1 and 0 <= self.mixed < 1):
            raise ConfigError(f"scene change: step {self.step} or mixed {self.mixed}: not below 1")
        if self.smallest_region < 1 or min(self.least_height, self.region_margin) < 0:
            raise ConfigError("scene change: a size is negative, or smallest_region is 0")


@dataclass(frozen=True, eq=False)
class SceneChange:
    """The change between two frames.

    Attributes:
        removed: regions whose depth grew, by volume, largest first.
        added: regions whose depth shrank, by volume, largest first.
        unseen: regions whose colour changed where depth is unknown, by size, largest first: the
            trace of what the depth sensor cannot see, such as glass.
        change: signed change of depth and its noise.
        recolored: (H, W) bool, pixels whose colour changed.
        observed: (H, W) bool, pixels looked at.
    """

    removed: tuple[ChangeRegion, ...]
    added: tuple[ChangeRegion, ...]
    unseen: tuple[ChangeRegion, ...]
    change: DepthChange
    recolored: Mask
    observed: Mask

    @property
    def mask(self) -> Mask:
        """(H, W): everything that left."""
        union = np.zeros(self.observed.shape, bool)
        for region in self.removed:
            union |= region.mask
        return union


def scene_change(
    before: RgbdFrame,
    after: RgbdFrame,
    config: SceneChangeConfig,
    polygon: NDArray[np.generic] | None = None,
) -> SceneChange:
    """Find what left and what came between two frames.

    Depth decides; where it is unknown in either frame, colour decides whether a pixel belongs to
    the change next to it. Pixels outside `polygon` (N, 2), (u, v), are ignored.

    Raises:
        FrameError: the frames differ in size, or the polygon is outside of them.
    """
    if before.shape != after.shape:
        raise FrameError(
            f"frames of {before.shape[1]}x{before.shape[0]} and {after.shape[1]}x{after.shape[0]} "
            "cannot be compared; use two frames of one camera"
        )
    inner, observed = observed_area(before.shape, polygon, config.region_margin)
    if not inner.any():
        raise FrameError(
            f"the bin's polygon is outside the image ({before.shape[1]}x{before.shape[0]} pixels)"
        )
    change = depth_change(before.depth, after.depth, config.difference)
    recolored = color_change(before.color, after.color, config.difference.color_change)
    unknown = ~change.known & observed
    colored_gap = unknown & recolored
    border = _border(observed)

    def find(sign: int, surface: NDArray[np.float32]) -> tuple[ChangeRegion, ...]:
        masks = _changed(change, sign, recolored, observed, config)
        masks = [mask for mask in masks if inner[mask].mean() >= 0.5]
        regions = [
            measure(mask, surface, change, recolored, border, before.intrinsics) for mask in masks
        ]
        high = [region for region in regions if region.height >= config.least_height]
        return tuple(sorted(high, key=lambda region: -region.volume))

    removed, added = find(1, before.depth), find(-1, after.depth)
    explained = np.zeros(before.shape, np.uint8)
    for region in (*removed, *added):
        explained |= region.mask.astype(np.uint8)
    near = cv2.dilate(explained, disc(2 * config.refinement.closing + 1)).astype(bool)
    gaps = refine(colored_gap & ~near, config.refinement)
    unseen = tuple(
        measure(mask, after.depth, change, recolored, border, before.intrinsics)
        for mask in components(gaps, config.smallest_region)
        if inner[mask].mean() >= 0.5
    )
    return SceneChange(removed, added, unseen, change, recolored, observed)


def observed_area(
    shape: tuple[int, int], polygon: NDArray[np.generic] | None, margin: int
) -> tuple[Mask, Mask]:
    """Return two (H, W) masks: inside the polygon, and inside it widened by `margin` pixels.

    Without a polygon both are the whole image.
    """
    if polygon is None:
        everything = np.ones(shape, bool)
        return everything, everything
    corners = np.round(np.asarray(polygon, float)).astype(np.int32).reshape(-1, 1, 2)
    inner = cv2.fillPoly(np.zeros(shape, np.uint8), [corners], 1)
    wide = inner.copy()
    if margin > 0:
        cv2.polylines(wide, [corners], True, 1, thickness=2 * margin + 1)
    return inner.astype(bool), wide.astype(bool)


def _changed(
    change: DepthChange, sign: int, recolored: Mask, observed: Mask, config: SceneChangeConfig
) -> list[Mask]:
    """Return refined segments that hold pixels changed beyond doubt.

    Hysteresis: certain pixels decide whether a segment exists, weaker ones where it ends.
    """
    limits = config.difference
    height = change.signed * np.float32(sign)
    with np.errstate(invalid="ignore"):  # comparisons with unknown depth are false
        deviations = height / change.noise
        high = (height > config.least_height) & observed
        beyond_weak = (deviations > limits.weak) & high
        certain = (deviations > limits.strong) & high | (beyond_weak & recolored)
        seconded = (deviations > limits.seconded) & observed & recolored
    if not certain.any():
        return []
    gaps = ~change.known & recolored
    refined = refine((beyond_weak | seconded | gaps) & observed, config.refinement) & observed
    enough = max(config.smallest_region // 4, 1)
    return [
        part
        for segment in components(refined, config.smallest_region)
        if np.count_nonzero(certain & segment) >= enough
        for part in _split_at_step(_without_mixed_rim(segment, change, config), change, config)
    ]


def _without_mixed_rim(segment: Mask, change: DepthChange, config: SceneChangeConfig) -> Mask:
    """Drop the pixels along depth edges that saw near and far at once; else masks are too wide."""
    box = bounding_box(segment.astype(np.uint8), margin=2)
    if box is None:
        return segment
    inside, known = segment[box], change.known[box]
    rim = inside & ~cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    height = np.where(inside & known, np.abs(change.signed[box]), np.float32(0))
    highest = np.asarray(cv2.dilate(height, np.ones((5, 5), np.uint8)))
    low = (height < config.mixed * highest) & (highest - height > config.mixed_step)
    rest = segment.copy()
    rest[box] = inside & ~(rim & known & low)
    return rest


def _split_at_step(segment: Mask, change: DepthChange, config: SceneChangeConfig) -> list[Mask]:
    """Part the low from the high pixels of a segment, where there are both."""
    height = np.abs(change.signed)
    known = segment & change.known
    low = known & (height < config.step * np.percentile(height[known], 90))
    if np.count_nonzero(low) < config.smallest_region:
        return [segment]
    high = refine(segment & ~low, config.refinement) & segment
    rest = refine(segment & ~high, config.refinement) & segment & ~high
    return [
        part for parts in (high, rest) for part in components(parts, config.smallest_region)
    ] or [segment]


def _border(observed: Mask) -> Mask:
    """Pixels of the observed area next to its end; the image ends there too."""
    padded = np.pad(observed.astype(np.uint8), 1)
    core = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=1)
    return observed & ~core[1:-1, 1:-1].astype(bool)
