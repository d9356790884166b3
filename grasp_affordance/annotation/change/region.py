"""Connected segments of a change, measured in metres."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import DepthChange, Mask
from grasp_affordance.annotation.change.refinement import bounding_box
from grasp_affordance.geometry import Intrinsics

_MOSTLY = 0.5  # share of a mask
_RIM = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class ChangeRegion:
    """One connected segment of a change.

    Attributes:
        mask: (H, W) bool.
        pixels: size of the mask.
        area: square metres across the line of sight, at the depth of the nearer frame.
        volume: cubic metres between the two surfaces; always positive.
        height: metres by which the depth changed, 90th percentile over the mask.
        rim_height: metres by which it changed just inside the outline, at least, over most of it
            (20th percentile). An object that left ends in a step all round; one that tilted or sank
            fades out.
        centre: (u, v) centre of mass, pixels.
        position: (3,) float64 metres, camera frame: centre of mass of the nearer surface.
        unknown: share of the mask without depth in one of the frames.
        recolored: share of the mask whose colour changed.
        cut: whether the mask reaches the border of the image or of the observed region.
    """

    mask: Mask
    pixels: int
    area: float
    volume: float
    height: float
    rim_height: float
    centre: tuple[float, float]
    position: NDArray[np.float64]
    unknown: float
    recolored: float
    cut: bool

    @property
    def evident(self) -> bool:
        """Whether depth saw most of it; else its size is a guess, and no evidence of an object."""
        return self.unknown <= _MOSTLY


def components(mask: Mask, smallest: int) -> list[Mask]:
    """Return the 8-connected segments of at least `smallest` pixels, each (H, W), largest first."""
    pixels = mask.astype(np.uint8)
    box = bounding_box(pixels)
    if box is None:
        return []
    count, labels, stats, _ = cv2.connectedComponentsWithStats(pixels[box])
    sizes = stats[:, cv2.CC_STAT_AREA]
    segments = []
    for label in sorted(range(1, count), key=lambda label: -sizes[label]):
        if sizes[label] >= smallest:
            segment = np.zeros(mask.shape, bool)
            segment[box] = labels == label
            segments.append(segment)
    return segments


def measure(
    mask: Mask,
    surface: NDArray[np.float32],
    change: DepthChange,
    recolored: Mask,
    border: Mask,
    intrinsics: Intrinsics,
) -> ChangeRegion:
    """Measure one segment.

    Args:
        mask: (H, W), not empty.
        surface: (H, W) float32 metres, depth of the frame in which the object is there.
        change: of the pair.
        recolored: (H, W), pixels whose colour changed.
        border: (H, W), pixels that a whole object does not touch.
        intrinsics: of the camera.
    """
    box = bounding_box(mask.astype(np.uint8), margin=1)
    assert box is not None  # the mask is not empty
    rows, columns = np.nonzero(mask[box])
    rows, columns = rows + box[0].start, columns + box[1].start
    inside, z, signed = mask[box], surface[box], np.abs(change.signed[box])
    steps = signed[inside & np.isfinite(signed)]
    typical = float(np.nanmedian(z[inside])) if np.isfinite(z[inside]).any() else np.nan
    z_filled = np.where(np.isfinite(z), z, np.float32(typical))[inside]
    # With a lens each pixel spans an angle of its own.
    focal_squared: float | NDArray[np.float64] = intrinsics.fx * intrinsics.fy
    if intrinsics.lens is not None:
        focal_squared = intrinsics.focal_image()[box][inside].astype(np.float64) ** 2
    pixel_area = z_filled.astype(np.float64) ** 2 / focal_squared
    mean_step = float(steps.mean()) if steps.size else 0.0
    step_filled = np.where(np.isfinite(signed), signed, np.float32(mean_step))[inside]
    centre = (float(columns.mean()), float(rows.mean()))
    return ChangeRegion(
        mask=mask,
        pixels=rows.size,
        area=float(np.nan_to_num(pixel_area).sum()),
        volume=float(np.nan_to_num(pixel_area * step_filled).sum()),
        height=float(np.percentile(steps, 90)) if steps.size else 0.0,
        rim_height=_rim_height(inside, signed),
        centre=centre,
        position=intrinsics.deproject(*centre, typical),
        unknown=1.0 - steps.size / rows.size,
        recolored=float(recolored[box][inside].mean()),
        cut=bool(border[box][inside].any()),
    )


def _rim_height(inside: Mask, signed: NDArray[np.float32]) -> float:
    """Step along a line inside the outline, whose outermost pixel is often mixed."""
    padded = np.pad(inside.astype(np.uint8), 1)
    core = cv2.erode(padded, _RIM, iterations=1)
    line = (core - cv2.erode(core, _RIM))[1:-1, 1:-1].astype(bool) & np.isfinite(signed)
    return float(np.percentile(signed[line], 20)) if line.any() else 0.0
