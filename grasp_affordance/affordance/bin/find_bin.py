"""Finds the bin in a view, by its inner size.

Its rim is looked for in the depth: where the bin was found last, or else wherever a rectangle of
its size ends in drops of the surface. A rim gives pose, walls and, with the depth of the walls,
the floor. Doubt is an error: two bins, two sizes for one rim, or too little of a rim.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from grasp_affordance.affordance.bin.interior import through_opening, window_of
from grasp_affordance.affordance.bin.rim import Rim, Sight, fit_rim, flat
from grasp_affordance.affordance.bin.rim_search import guess_bins
from grasp_affordance.arrays import Array, Window
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import BinNotFoundError, ConfigError
from grasp_affordance.geometry import invert
from grasp_affordance.rgbd import RgbdFrame

_SPACING = 0.0026  # metres between the points that are looked at, about
_AROUND = 0.14  # metres around the floor of an expected bin that are looked at
_GUESSES = 8  # are looked at closely
_GUESSED = 0.015  # metres by which they are off
_FEWEST = 1000  # points in which a bin is looked for
_BENEATH = 0.03  # of what is seen inside may be seen beneath the floor
_FLOOR = 0.008  # metres from the floor's height within which a point is of it
_FLOOR_SHARE = 0.05  # of the inside, for a floor to be seen


@dataclass(frozen=True)
class BinSearchConfig:
    """When a rim is that of the bin.

    Attributes:
        side: share of a side that must be seen on its line, at three sides.
        fewest: share of all four sides together.
        agree: share of what can be judged of the four sides.
        inner: share of all four sides along which the inner edge must be seen; of a closed box
            and of a heap that hides it only the outer edge is.
        missing: share of a side along which no wall may be seen where one should be.
        size: by how much the rim that is seen may be longer or wider than the size, metres.
        tolerance: what is seen this much beneath the floor is not in the bin, metres.
        moved: how far the bin is from where it was expected at most, metres; farther, it is
            looked for everywhere.
    """

    side: float = 0.45
    fewest: float = 0.5
    agree: float = 0.7
    inner: float = 0.25
    missing: float = 0.35
    size: float = 0.010
    tolerance: float = 0.020
    moved: float = 0.03

    def __post_init__(self) -> None:
        shares = (self.side, self.fewest, self.agree, self.inner, self.missing)
        if not all(0 < share < 1 for share in shares):
            raise ConfigError(
                "bin search: side, fewest, agree, inner and missing must be in (0, 1)"
            )
        if min(self.size, self.tolerance, self.moved) <= 0:
            raise ConfigError("bin search: size, tolerance and moved must be positive")


def find_bin(
    frame: RgbdFrame,
    T_base_camera: Array,
    sizes: Sequence[tuple[float, float, float]],
    expected: BinGeometry | None = None,
    config: BinSearchConfig | None = None,
) -> BinGeometry:
    """Return the bin that is seen; its yaw is in (-90, 90] degrees, of a square in (-45, 45].

    Args:
        frame: color and depth.
        T_base_camera: (4, 4); its vertical must be right within about a degree.
        sizes: inner (length, width, depth) of the bins that there are, metres; length and width at
            the rim, also where the walls lean.
        expected: where the bin was found last. It is looked for there first, which costs less, and
            which tells it from another bin in view.

    Raises:
        BinNotFoundError: no bin, or more than one. ConfigError: no sizes.
    """
    if not sizes:
        raise ConfigError("no inner size of a bin is given; set bins")
    config = config or BinSearchConfig()
    if expected is not None:
        window = window_of(frame.intrinsics, expected, T_base_camera, _AROUND)
        sight = _sight(frame, T_base_camera, window)
        rim = fit_rim(sight, expected, config.moved)
        if rim is not None and not doubts(rim, config) and not _beneath(sight, rim, config):
            return canonical(rim.box)
    sight = _sight(frame, T_base_camera)
    if len(sight.points) < _FEWEST:
        raise BinNotFoundError("no bin is seen: hardly any depth; check the sensor and its range")
    return canonical(_only(sight, _rims(sight, sizes, config)).box)


def _rims(
    sight: Sight, sizes: Sequence[tuple[float, float, float]], config: BinSearchConfig
) -> list[Rim]:
    """Return the rims in a view about which there is no doubt.

    Raises:
        BinNotFoundError: there is none.
    """
    rims: list[Rim] = []
    why = ""
    for guess in guess_bins(sight, sizes, _GUESSES):
        box = guess.box
        # Two bins do not stand in each other.
        if any(_overlap(box, rim.box) and box.size == rim.box.size for rim in rims):
            continue
        rim = fit_rim(sight, box, _GUESSED)
        if rim is None:
            continue
        doubt = doubts(rim, config) or _beneath(sight, rim, config)
        if not doubt:
            rims.append(rim)
        why = why or doubt
    if not rims:
        why = why or "no rectangle of its size ends in drops; check bins and the camera's pose"
        raise BinNotFoundError(f"no bin is found: {why}")
    return rims


def doubts(rim: Rim, config: BinSearchConfig) -> str:
    """Return why a rim is not that of the bin; empty when it is."""
    sides = np.sort(rim.edges)
    agree = rim.edges.sum() / max(rim.judged.sum(), 1e-9)
    longer, wider = (1000 * each for each in rim.excess)
    few = sides[1] < config.side or rim.edges.mean() < config.fewest
    if few or agree < config.agree:
        return (
            f"only {rim.edges.mean():.0%} of its rim is seen; make its four sides visible to the "
            "camera"
        )
    if max(abs(longer), abs(wider)) > 1000 * config.size:
        return (
            f"its rim is {longer:+.0f} mm longer and {wider:+.0f} mm wider than its size; "
            "measure the inner size at the rim"
        )
    if (rim.missing > config.missing).any():
        return "a wall is missing; give the bin's own inner size"
    if rim.inner.mean() < config.inner:
        return (
            f"only {rim.inner.mean():.0%} of the rim's inner edge is seen; a closed box looks "
            "like that, and so does a bin that is too full"
        )
    return ""


def canonical(box: BinGeometry) -> BinGeometry:
    """Return the same box with its yaw in (-90, 90] degrees, of a square in (-45, 45]."""
    period = np.pi if abs(box.size[0] - box.size[1]) > 1e-3 else np.pi / 2
    yaw = period / 2 - (period / 2 - box.yaw) % period
    return replace(box, yaw=float(yaw))


def _sight(frame: RgbdFrame, T_base_camera: Array, window: Window | None = None) -> Sight:
    """Return points of a window of a frame, about `_SPACING` apart."""
    camera = frame.intrinsics
    rows, columns = window or (slice(0, camera.height), slice(0, camera.width))
    depth = frame.depth[rows, columns]
    some = depth[::8, ::8]
    some = some[np.isfinite(some)]
    step = 1
    if some.size:
        step = int(np.clip(_SPACING * camera.fx / np.median(some), 1, 6))
    seen = camera.cropped(columns.start, rows.start, depth.shape[1], depth.shape[0])
    points = seen.every(step).deproject_image(depth[::step, ::step]).reshape(-1, 3)
    points = points[np.isfinite(points[:, 2])]
    points = points @ T_base_camera[:3, :3].T.astype(np.float32)
    points += T_base_camera[:3, 3].astype(np.float32)
    return Sight(points, frame.depth, camera, T_base_camera)


def _inside(sight: Sight, box: BinGeometry) -> Array:
    """Return heights (N,) over the floor of what is seen inside, away from the walls."""
    x, y = flat(sight.points, box)
    room = np.maximum(np.array(box.size[:2], np.float32) / 2 - 0.02, 0.02)
    inside = (np.abs(x) < room[0]) & (np.abs(y) < room[1])
    points = np.stack([x[inside], y[inside], sight.points[inside, 2] - box.floor], axis=-1)
    T_bin_camera = invert(box.T_base_bin) @ sight.T_base_camera
    return np.asarray(points[through_opening(points, T_bin_camera[:3, 3], box.size), 2])


def _beneath(sight: Sight, rim: Rim, config: BinSearchConfig) -> str:
    heights = _inside(sight, rim.box)
    share = float((heights < -config.tolerance).mean()) if heights.size else 0.0
    if share <= _BENEATH:
        return ""
    return (
        f"{share:.0%} of its inside is seen more than {config.tolerance * 1000:.0f} mm beneath its "
        "floor; measure the depth of the walls"
    )


def _only(sight: Sight, rims: list[Rim]) -> Rim:
    """Return the one rim among those that pass.

    Raises:
        BinNotFoundError: they are of several bins, or one of several sizes.
    """
    rims = sorted(rims, key=lambda rim: -rim.score)
    best = rims[0]
    for rim in rims[1:]:
        if not _overlap(best.box, rim.box):
            raise BinNotFoundError(
                "two bins are seen, and which one is meant is not known; take one away, or say "
                "where it was last"
            )
    same = [rim for rim in rims if rim.box.size != best.box.size and rim.score > 0.9 * best.score]
    for rim in same:
        alike = np.abs(np.subtract(rim.box.size[:2], best.box.size[:2])).max() < 0.005
        seen = [_floor_share(sight, each.box) > _FLOOR_SHARE for each in (best, rim)]
        if alike and seen[0] != seen[1]:
            best = best if seen[0] else rim
            continue
        raise BinNotFoundError(
            f"the rim fits two sizes, {best.box.size} and {rim.box.size} m; let the floor be seen, "
            "or give one size"
        )
    return best


def _overlap(a: BinGeometry, b: BinGeometry) -> bool:
    apart = np.hypot(*np.subtract(a.centre, b.centre))
    return bool(apart < 0.5 * min(*a.size[:2], *b.size[:2]))


def _floor_share(sight: Sight, box: BinGeometry) -> float:
    heights = _inside(sight, box)
    return float((np.abs(heights) < _FLOOR).mean()) if heights.size else 0.0
