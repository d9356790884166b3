"""Suction points and why there are none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError


class Source(StrEnum):
    """Who proposed a suction point."""

    PRIOR = "prior"  # analytic seal prior
    LEARNED = "learned"  # network
    EXPLORATION = "exploration"  # chosen to learn, not to succeed
    BASELINE = "baseline"  # a classical rule, for comparison
    ORACLE = "oracle"  # simulator only: uses the true state
    MANUAL = "manual"  # given by the caller of an action
    NOVELTY = "novelty"  # unlike all that was tried, where nothing promises enough

    @property
    def explores(self) -> bool:
        """Whether the point was chosen to learn, not to succeed."""
        return self in (Source.EXPLORATION, Source.NOVELTY)


class Order(StrEnum):
    """Which of the points that are likely enough comes first."""

    PROBABILITY = "probability"
    HEIGHT = "height"  # the highest: a pile is taken down from its top
    NEAREST = "nearest"  # to a given point


class Rejection(StrEnum):
    """Why a pixel, or the whole view, yields no suction point."""

    # of single pixels
    NO_DEPTH = "no_depth"
    OUTSIDE_REGION = "outside_region"  # image polygon or bin box
    OBSTRUCTED = "obstructed"  # far above the bin's rim: the robot's arm, a hand
    OUTSIDE_WORKSPACE = "outside_workspace"  # base frame
    BACKGROUND = "background"  # bin floor, bin wall, table
    TOO_STEEP = "too_steep"
    NEAR_EDGE = "near_edge"
    NEAR_HOLE = "near_hole"
    BELOW_THRESHOLD = "below_threshold"
    SUPPRESSED = "suppressed"  # close to a better point
    NO_ROOM = "no_room"  # something is where a plate of the gripper would come down
    UNREACHABLE = "unreachable"
    NEAR_WALL = "near_wall"  # tool would touch the bin
    RECENTLY_FAILED = "recently_failed"
    # of the view
    NO_FRAME = "no_frame"
    STALE_FRAME = "stale_frame"
    UNUSABLE_FRAME = "unusable_frame"
    NO_TRANSFORM = "no_transform"
    NO_MODEL = "no_model"
    EMPTY_BIN = "empty_bin"


@dataclass(frozen=True, eq=False)
class SuctionPoint:
    """Where to put the cup.

    Attributes:
        u, v: pixel, column and row.
        position: (3,) float64 metres, camera frame.
        normal: (3,) float64 unit vector, camera frame, out of the surface (towards the camera).
        probability: predicted probability of a successful pick, in [0, 1].
        source: who proposed it.
    """

    u: int
    v: int
    position: NDArray[np.float64]
    normal: NDArray[np.float64]
    probability: float
    source: Source

    def __post_init__(self) -> None:
        if not (0.0 <= self.probability <= 1.0):  # also refuses NaN
            raise ConfigError(f"probability {self.probability} is not in [0, 1]")


def _no_points() -> NDArray[np.float64]:
    return np.empty((0, 3))


@dataclass(frozen=True, eq=False)
class Failures:
    """What is remembered of the picks that just failed; points in the base frame, metres.

    Attributes:
        points: (N, 3) float64 where picks failed: what kept the cup from holding there is often
            true of the whole object.
        avoided: (M, 3) float64 around which nothing may be proposed: failed points, and such as
            could not be reached.
        radius: metres around the avoided ones.
        bin: number of the bin, counted by whoever remembers.
    """

    points: NDArray[np.float64] = field(default_factory=_no_points)
    avoided: NDArray[np.float64] = field(default_factory=_no_points)
    radius: float = 0.012
    bin: int = 0

    def __post_init__(self) -> None:
        for name, points in (("points", self.points), ("avoided", self.avoided)):
            if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
                raise ConfigError(f"failures: {name} {points.shape} must be (N, 3) and finite")
        if not 0 <= self.radius < np.inf:  # also refuses NaN
            raise ConfigError(f"failures: radius {self.radius} m is negative or not finite")
        if self.bin < 0:
            raise ConfigError(f"failures: bin {self.bin} is negative")

    def __bool__(self) -> bool:
        return bool(len(self.points) or len(self.avoided))

    def forbids(self, points_base: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Return which base-frame points (..., 3) lie where nothing may be proposed; NaN never."""
        near = np.zeros(points_base.shape[:-1], dtype=np.bool_)
        with np.errstate(invalid="ignore"):
            for centre in self.avoided:
                near |= np.linalg.norm(points_base - centre, axis=-1) <= self.radius
        return near


@dataclass(frozen=True)
class Selection:
    """Ranked suction points of one view, best first, and the count of pixels lost per cause."""

    points: tuple[SuctionPoint, ...] = ()
    rejections: Mapping[Rejection, int] = field(default_factory=dict)
