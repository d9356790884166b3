"""From an affordance map to ranked suction points: mask, rank, and account for what is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from grasp_affordance.affordance.bin.region import Region
from grasp_affordance.affordance.seal.seal import Seal
from grasp_affordance.affordance.surface.holes import distance_to
from grasp_affordance.affordance.surface.surface import Surface
from grasp_affordance.arrays import Array, Image, Mask
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import transform_points
from grasp_affordance.suction import Failures, Order, Rejection, Selection, Source, SuctionPoint

ABSTAIN_BELOW = 0.3
"""Expected success below which a point is not offered, unless somebody asks for another rate."""

_SORTED = 100  # points that are sorted by anything but probability


@dataclass(frozen=True)
class CandidateConfig:
    """Which points are offered.

    Attributes:
        count: at most this many points.
        min_probability: points below are not offered; where there are no others, the bin is handed
            back.
        order: which of them come first, and with fewer than there are, at all.
        near: (x, y, z) in the base frame, metres, for the order `nearest`.
        spacing: metres between offered points.
        smoothing: Gaussian sigma over the map before its maxima are taken, metres.
        max_tilt: radians between surface normal and approach beyond which a point is too steep.
        edge_radii: cup radii that depth edges must keep away.
        hole_radii: cup radii that holes in the depth must keep away.
        wall_margin: metres between the cup's outside and a wall of the bin. This and the three
            above hold for the prior alone; see `of`.
        workspace_min: lowest corner of the allowed box in the base frame, metres; applied where
            `T_base_camera` is known.
        workspace_max: its highest corner.
        failure_penalty: by which the logit sinks beside each recently failed point: what kept the
            cup from holding there (porous, weighed down, leaning) is often true of the whole
            object.
        failure_reach: metres over which this doubt falls to 61 % (one sigma of a Gaussian).
    """

    count: int = 10
    min_probability: float = ABSTAIN_BELOW
    order: Order = Order.PROBABILITY
    near: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spacing: float = 0.02
    smoothing: float = 0.002
    max_tilt: float = float(np.radians(25))
    edge_radii: float = 0.4
    hole_radii: float = 0.6
    wall_margin: float = 0.003
    workspace_min: tuple[float, float, float] = (-10.0, -10.0, -10.0)
    workspace_max: tuple[float, float, float] = (10.0, 10.0, 10.0)
    failure_penalty: float = 1.0
    failure_reach: float = 0.025

    def __post_init__(self) -> None:
        if self.count < 1 or not 0 <= self.min_probability <= 1:
            raise ConfigError("candidates: count must be at least 1, min_probability in [0, 1]")
        lengths = (self.spacing, self.smoothing, self.edge_radii, self.hole_radii)
        if min(*lengths, self.wall_margin, self.failure_penalty) < 0:
            raise ConfigError("candidates: a length or the doubt is negative")
        if not self.failure_reach > 0:
            raise ConfigError(f"candidates: failure_reach {self.failure_reach} m is not positive")
        if not 0 < self.max_tilt <= np.pi / 2:
            raise ConfigError(f"candidates: max_tilt {self.max_tilt} is not in (0, pi/2]")
        if not np.all(np.asarray(self.workspace_min) < np.asarray(self.workspace_max)):
            raise ConfigError("candidates: the workspace is empty")

    def of(self, source: Source) -> "CandidateConfig":
        """Return the limits that hold for a map of this source.

        Tilt, edges, holes and margin of the walls make up for what the prior does not know. A
        network finds out by itself, and that a dark object without depth around can be picked all
        the same: it is trained, measured and served without them. The cup stays inside of the walls
        in any case.
        """
        if source is Source.PRIOR:
            return self
        return replace(
            self, max_tilt=float(np.pi / 2), edge_radii=0.0, hole_radii=0.0, wall_margin=0.0
        )


@dataclass(frozen=True, eq=False)
class Scene:
    """One view as `select` needs it.

    Attributes:
        surface, seal, region: of the frame, on one grid.
        radius: of the cup, metres.
        T_base_camera: (4, 4) or None.
        failures: what just failed; applied where `T_base_camera` is known.
    """

    surface: Surface
    seal: Seal
    region: Region
    radius: float
    T_base_camera: Array | None = None
    failures: Failures = field(default_factory=Failures)


def process(
    scores: Image, scene: Scene, config: CandidateConfig
) -> tuple[Image, dict[Rejection, Mask]]:
    """Smooth grid scores (h, w), doubt what just failed, and say which cells may not be picked.

    Returns:
        The scores, 0 where picking is not allowed, and one mask (h, w) per cause. Masks
        are disjoint: a cell counts for the first cause that applies.
    """
    sigma = config.smoothing * scene.surface.cells_per_metre
    if sigma > 0.1:
        scores = np.asarray(cv2.GaussianBlur(scores, (0, 0), sigma), np.float32)
    smooth = _penalised(scores, scene, config)
    free = np.ones(scores.shape, np.bool_)
    causes: dict[Rejection, Mask] = {}
    for cause, mask in _obstacles(scene, config).items():
        causes[cause] = mask & free
        free &= ~mask
    causes[Rejection.BELOW_THRESHOLD] = free & (smooth < config.min_probability)
    return np.where(free, smooth, np.float32(0)), causes


def select(
    scores: Image, scene: Scene, source: Source, config: CandidateConfig | None = None
) -> Selection:
    """Offer the best points of grid scores (h, w) in [0, 1].

    Returns:
        Points in the configured order, and per cause the number of image pixels lost to it. A view
        without any object has the cause EMPTY_BIN besides.

    Raises:
        ConfigError: the nearest points are asked for, and the camera's pose is not known.
    """
    config = config or CandidateConfig()
    smooth, causes = process(scores, scene, config)
    chosen = _peaks(smooth, scene, config)
    allowed = (smooth >= config.min_probability) & (smooth > 0)
    if chosen:
        allowed[tuple(np.transpose(chosen))] = False
    rejections = _count_pixels({**causes, Rejection.SUPPRESSED: allowed}, scene.surface)
    if scene.region.empty:
        rejections[Rejection.EMPTY_BIN] = 1
    points = tuple(_point(row, column, smooth, scene, source) for row, column in chosen)
    return Selection(points, rejections)


def _obstacles(scene: Scene, config: CandidateConfig) -> dict[Rejection, Mask]:
    """Return one mask per cause, in the order in which they are counted."""
    surface, region, radius = scene.surface, scene.region, scene.radius
    known = np.isfinite(surface.points[..., 2])
    normal_known = np.isfinite(scene.seal.tilt)
    spacing = np.where(known, surface.spacing, 0)
    to_background = distance_to(known & ~region.foreground) * spacing
    to_edge = np.minimum(surface.edge_distance, to_background)
    with np.errstate(invalid="ignore"):
        masks = {
            Rejection.OUTSIDE_REGION: ~region.inside,
            Rejection.OBSTRUCTED: region.obstructed,
            Rejection.NO_DEPTH: ~known,
            Rejection.BACKGROUND: ~region.foreground,
            Rejection.NEAR_WALL: region.wall_distance < radius + config.wall_margin,
            Rejection.TOO_STEEP: ~normal_known | (scene.seal.tilt > config.max_tilt),
            Rejection.NEAR_HOLE: surface.hole_distance < config.hole_radii * radius,
            Rejection.NEAR_EDGE: to_edge < config.edge_radii * radius,
        }
    if scene.T_base_camera is not None:
        base = transform_points(scene.T_base_camera, surface.points)
        with np.errstate(invalid="ignore"):
            allowed = (base >= config.workspace_min) & (base <= config.workspace_max)
        masks[Rejection.OUTSIDE_WORKSPACE] = ~allowed.all(axis=-1)
        masks[Rejection.RECENTLY_FAILED] = scene.failures.forbids(base)
    return masks


def _penalised(scores: Image, scene: Scene, config: CandidateConfig) -> Image:
    """Return the scores (h, w), sunk beside recently failed points."""
    failed = scene.failures.points
    if scene.T_base_camera is None or not len(failed) or not config.failure_penalty:
        return scores
    base = transform_points(scene.T_base_camera, scene.surface.points)
    penalty = np.zeros(scores.shape)
    for centre in failed:
        squared = np.square(base - centre).sum(axis=-1)
        penalty += np.exp(-np.nan_to_num(squared, nan=np.inf) / (2 * config.failure_reach**2))
    # p / (p + (1 - p) e^doubt): the logit less the doubt, without leaving 0 and 1.
    odds = np.exp(config.failure_penalty * penalty)
    return np.asarray(scores / (scores + (1 - scores) * odds), dtype=np.float32)


def _peaks(smooth: Image, scene: Scene, config: CandidateConfig) -> list[tuple[int, int]]:
    """Return (row, column) of cells at least `spacing` apart, in the configured order.

    Local maxima are taken first, so that one large face does not crowd out other objects; what is
    left of `count` goes to the best other cells: a single-peaked object still offers second tries.
    """
    rows, columns = np.nonzero((smooth >= config.min_probability) & (smooth > 0))
    scores, points = smooth[rows, columns], scene.surface.points[rows, columns]
    highest = np.asarray(cv2.dilate(smooth, np.ones((3, 3), np.uint8)))[rows, columns]
    order = np.lexsort((-(points @ scene.region.up), -scores, scores < highest))
    chosen: list[int] = []
    most = config.count if config.order is Order.PROBABILITY else _SORTED
    while len(order) and len(chosen) < most:
        best = order[0]
        chosen.append(int(best))
        gaps = np.linalg.norm(points[order] - points[best], axis=-1)
        order = order[(gaps >= config.spacing) & (np.arange(len(order)) > 0)]
    rank = _rank(scores[chosen], points[chosen], scene, config)
    best_first = [chosen[index] for index in np.argsort(rank, kind="stable")[: config.count]]
    return [(int(rows[index]), int(columns[index])) for index in best_first]


def _rank(scores: Image, points: Image, scene: Scene, config: CandidateConfig) -> Array:
    """Return what orders points (N, 3) in the camera frame, the first least."""
    match config.order:
        case Order.PROBABILITY:
            return np.asarray(-scores)
        case Order.HEIGHT:
            return np.asarray(-(points @ scene.region.up))
        case Order.NEAREST:
            if scene.T_base_camera is None:
                raise ConfigError("the nearest points need the camera's pose, which is not known")
            base = transform_points(scene.T_base_camera, points)
            return np.linalg.norm(base - config.near, axis=-1)


def _count_pixels(causes: Mapping[Rejection, Mask], surface: Surface) -> dict[Rejection, int]:
    """Return how many image pixels each of the disjoint grid masks covers; none are left out."""
    codes = np.zeros(surface.shape, np.uint8)
    for code, mask in enumerate(causes.values(), start=1):
        codes[mask] = code
    height, width = surface.depth.shape
    image = cv2.resize(codes, (width, height), interpolation=cv2.INTER_NEAREST)
    counts = np.bincount(np.ravel(image).astype(np.intp), minlength=len(causes) + 1)[1:]
    found = {cause: int(n) for cause, n in zip(causes, counts, strict=True) if n}
    beyond = surface.image_shape[0] * surface.image_shape[1] - height * width
    if beyond:
        found[Rejection.OUTSIDE_REGION] = found.get(Rejection.OUTSIDE_REGION, 0) + beyond
    return found


def _point(row: int, column: int, smooth: Image, scene: Scene, source: Source) -> SuctionPoint:
    surface = scene.surface
    u, v = surface.pixel(row, column)
    z = float(surface.points[row, column, 2])
    return SuctionPoint(
        u=u,
        v=v,
        position=surface.camera.deproject(u, v, z),
        normal=scene.seal.contact.normals[row, column].astype(np.float64),
        probability=float(np.clip(smooth[row, column], 0, 1)),
        source=source,
    )
