"""Grasp rectangles along the spine of a mask (stage c)."""

from dataclasses import dataclass
from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.annotation.change.difference import Mask
from grasp_affordance.annotation.change.refinement import soft_edges
from grasp_affordance.annotation.spine import Spine, fit_spine
from grasp_affordance.arrays import Array
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.rectangle import GraspRectangle, JawConfig

_STEP = 0.25  # pixels between samples along a normal; crossings are interpolated between them


@dataclass(frozen=True)
class ProposalConfig:
    """How many rectangles, and where.

    Attributes:
        count: rectangles per object.
        spread: standard deviation of the centres' distribution about the centre of mass, as a
            share of the spine's length.
        edge_sigma: of the Gaussian whose half level is the outline, pixels.
    """

    count: int = 9
    spread: float = 0.25
    edge_sigma: float = 1.0

    def __post_init__(self) -> None:
        if self.count < 1 or self.spread <= 0 or self.edge_sigma <= 0:
            raise ConfigError("proposals: count, spread and edge_sigma must be positive")


@dataclass(frozen=True)
class Proposals:
    """The rectangles of one object.

    Attributes:
        fitting: those that the gripper can open for, nearest to the centre of mass first.
        too_wide: how many it cannot.
    """

    fitting: tuple[GraspRectangle, ...]
    too_wide: int


def propose(
    mask: Mask,
    depth: NDArray[np.float32],
    intrinsics: Intrinsics,
    jaw: JawConfig,
    config: ProposalConfig,
) -> Proposals:
    """Return grasp rectangles {x, y, theta, w, h} on the object (H, W) `mask` covers in `depth`.

    Centres lie on the spine, denser near the centre of mass. The plates are parallel to the spine
    (theta), as long as the gripper's (w); they close along the normal, whose intersections with the
    outline bound h (automatic annotation, section 3.2). The metric size of a pixel is that at the
    object's middle and median depth.
    """
    spine = fit_spine(mask)
    known = depth[mask & np.isfinite(depth)]
    if spine is None or known.size == 0:
        return Proposals((), 0)
    z = float(np.median(known))
    chords = _chords(mask, spine, config)
    theta = float(np.arctan2(spine.direction[1], spine.direction[0]) % np.pi)
    theta = 0.0 if theta >= np.pi else theta  # -1e-17 % pi is pi
    middle = np.argwhere(mask).mean(axis=0)[::-1]
    w = jaw.plate_length / _metres_per_pixel(middle, spine.direction, z, intrinsics)
    normal = np.array([-spine.direction[1], spine.direction[0]])
    pixel = _metres_per_pixel(middle, normal, z, intrinsics)
    fitting, too_wide = [], 0
    for centre, h in chords:
        if jaw.minimum_opening <= h * pixel <= jaw.maximum_opening:
            fitting.append(GraspRectangle(float(centre[0]), float(centre[1]), theta, w, h))
        else:
            too_wide += h * pixel > jaw.maximum_opening
    return Proposals(tuple(fitting), too_wide)


def centre_offsets(spine: Spine, config: ProposalConfig) -> Array:
    """Return positions (count,) along the spine: quantiles of a normal distribution cut to it.

    Its mean is the centre of mass, so that most grasps hold near it. Nearest first.
    """
    length = spine.end - spine.start
    mean = min(max(0.0, spine.start), spine.end)
    if length <= 0:
        return np.array([mean])
    normal = NormalDist(mean, config.spread * length)
    low, high = normal.cdf(spine.start), normal.cdf(spine.end)
    shares = (np.arange(config.count) + 0.5) / config.count
    offsets = np.array([normal.inv_cdf(low + share * (high - low)) for share in shares])
    return offsets[np.argsort(np.abs(offsets - mean), kind="stable")]


def _chords(mask: Mask, spine: Spine, config: ProposalConfig) -> list[tuple[Array, float]]:
    """Return (middle (2,), length) in pixels of the mask's chords normal to the spine."""
    soft = soft_edges(mask, config.edge_sigma)
    normal = np.array([-spine.direction[1], spine.direction[0]])
    rows, columns = np.nonzero(mask)
    reach = float(np.hypot(np.ptp(rows), np.ptp(columns))) + 2.0
    steps = np.arange(0.0, reach, _STEP)
    chords = []
    for point in spine.points(centre_offsets(spine, config)):
        sides = [_crossing(soft, point, sign * normal, steps) for sign in (-1.0, 1.0)]
        if sides[0] is None or sides[1] is None:
            continue  # the segment leaves a bent mask here
        middle = point + normal * (sides[1] - sides[0]) / 2
        if sides[0] + sides[1] > 0:
            chords.append((middle, sides[0] + sides[1]))
    return chords


def _crossing(
    soft: NDArray[np.float32], start: Array, direction: Array, steps: Array
) -> float | None:
    """Distance from `start` to where the soft mask falls through one half; None if outside."""
    samples = (start + steps[:, None] * direction).astype(np.float32)
    levels = cv2.remap(
        soft,
        np.ascontiguousarray(samples[:, 0]),
        np.ascontiguousarray(samples[:, 1]),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0.0,
    ).ravel()
    outside = np.flatnonzero(levels < 0.5)
    if outside.size == 0 or outside[0] == 0:
        return None
    last = int(outside[0]) - 1
    share = (levels[last] - 0.5) / max(float(levels[last] - levels[last + 1]), 1e-9)
    return float(steps[last] + share * _STEP)


def _metres_per_pixel(pixel: Array, direction: Array, z: float, intrinsics: Intrinsics) -> float:
    """Metres that one pixel along a unit `direction` (2,) spans at a pixel (u, v) and depth `z`."""
    return float(z * np.hypot(*intrinsics.pixel_step(pixel[0], pixel[1], direction)))
