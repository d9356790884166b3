"""From a score per pixel to ranked suction points: what the classical rules share."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.arrays import Array, Mask
from grasp_affordance.errors import ConfigError
from grasp_affordance.policies.policy import View
from grasp_affordance.suction import Rejection, Selection, Source, SuctionPoint


@dataclass(frozen=True)
class RankingConfig:
    """Which pixels may be chosen, and how far apart.

    Attributes:
        wall_margin: from the bin's walls, metres; the tool must fit between.
        floor_clearance: above the bin's floor, metres; lower is the floor. A few times the noise
            of the depth, and less than the thinnest object.
        spacing: between ranked points, metres.
        count: points returned at most.
    """

    wall_margin: float = 0.022
    floor_clearance: float = 0.004
    spacing: float = 0.015
    count: int = 10

    def __post_init__(self) -> None:
        if min(self.wall_margin, self.floor_clearance, self.spacing) < 0 or self.count < 1:
            raise ConfigError(f"ranking of {self.count} points: lengths must not be negative")


def bin_region(view: View, points_base: Array, config: RankingConfig) -> Mask:
    """Return the (H, W) mask of pixels with depth whose base points lie inside the bin's walls.

    The floor belongs to it, and noise may put it a little under its true height.
    """
    above = np.where(np.isfinite(points_base), points_base, np.nan).copy()
    above[..., 2] = np.abs(above[..., 2] - view.bin.floor) + view.bin.floor + 1e-6
    return view.bin.contains(above, margin=config.wall_margin)


def on_objects(view: View, points_base: Array, config: RankingConfig) -> Mask:
    """Return the (H, W) mask of pixels inside the bin that are clear of its floor."""
    with np.errstate(invalid="ignore"):
        high = points_base[..., 2] > view.bin.floor + config.floor_clearance
    return bin_region(view, points_base, config) & high


def rank(
    score: Array, allowed: Mask, view: View, points_base: Array, config: RankingConfig
) -> Selection:
    """Return the best-scoring allowed pixels, no two of them nearer than the spacing.

    Args:
        score: (H, W), higher is better; NaN is never chosen.
        allowed: (H, W) pixels that may be chosen by their place.
        view: what is looked at.
        points_base: (H, W, 3) base-frame points of the view's pixels.
        config: spacing and count.

    A score is no probability; a point's `probability` is its score clipped to [0, 1].
    """
    fresh = ~view.failures.forbids(points_base)
    free = allowed & fresh & np.isfinite(score)
    points: list[SuctionPoint] = []
    remaining = np.where(free, score, -np.inf)
    while len(points) < config.count:
        v, u = np.unravel_index(int(np.argmax(remaining)), remaining.shape)
        if not np.isfinite(remaining[v, u]):
            break
        points.append(_suction_point(view, int(u), int(v), float(score[v, u])))
        with np.errstate(invalid="ignore"):
            near = np.linalg.norm(points_base - points_base[v, u], axis=-1) <= config.spacing
        remaining[near] = -np.inf
    rejections = {
        Rejection.NO_DEPTH: int((~view.frame.known).sum()),
        Rejection.OUTSIDE_REGION: int((view.frame.known & ~allowed).sum()),
        Rejection.RECENTLY_FAILED: int((allowed & ~fresh).sum()),
    }
    return Selection(tuple(points), {cause: n for cause, n in rejections.items() if n})


def _suction_point(view: View, u: int, v: int, score: float) -> SuctionPoint:
    position = view.frame.point(u, v)
    return SuctionPoint(
        u=u,
        v=v,
        position=position,
        normal=local_normal(view, u, v),
        probability=float(np.clip(score, 0.0, 1.0)),
        source=Source.BASELINE,
    )


def local_normal(view: View, u: int, v: int) -> Array:
    """Return the unit normal (3,) of the plane through what the cup would cover, camera frame.

    The direction towards the camera, where fewer than three pixels there have depth.
    """
    frame, position = view.frame, view.frame.point(u, v)
    reach = max(2, round(view.cup.radius * frame.intrinsics.fx / position[2]))
    rows = np.arange(max(0, v - reach), min(frame.shape[0], v + reach + 1))
    columns = np.arange(max(0, u - reach), min(frame.shape[1], u + reach + 1))
    vs, us = np.meshgrid(rows, columns, indexing="ij")
    points = frame.intrinsics.deproject(us, vs, frame.depth[vs, us])
    points = points[np.linalg.norm(points - position, axis=-1) <= view.cup.radius]
    if len(points) < 3:
        return -position / np.linalg.norm(position)
    normal = np.linalg.svd(points - points.mean(axis=0), full_matrices=False)[2][2]
    return np.asarray(-normal if normal @ position > 0 else normal)
