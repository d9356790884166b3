"""The vocabulary of a pick: suction points, rejections, phases, outcomes, attempts, rectangles."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.errors import ConfigError
from grasp_affordance.rgbd import RgbdFrame


class Source(StrEnum):
    """Who proposed a suction point."""

    PRIOR = "prior"  # analytic seal prior
    LEARNED = "learned"  # network
    EXPLORATION = "exploration"  # chosen to learn, not to succeed
    BASELINE = "baseline"  # a classical rule, for comparison
    ORACLE = "oracle"  # simulator only: uses the true state
    MANUAL = "manual"  # given by the caller of an action
    CURIOSITY = "curiosity"  # unlike all that was tried, where nothing promises enough

    @property
    def explores(self) -> bool:
        """Whether the point was chosen to learn, not to succeed."""
        return self in (Source.EXPLORATION, Source.CURIOSITY)


class Rejection(StrEnum):
    """Why a pixel, or the whole view, yields no suction point."""

    # of single pixels
    NO_DEPTH = "no_depth"
    OUTSIDE_REGION = "outside_region"  # image polygon or bin box
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


class Phase(StrEnum):
    """The sequential phases of a pick."""

    PRE_GRASP = "pre_grasp"
    APPROACH = "approach"
    SEAL = "seal"
    LIFT = "lift"
    TRANSPORT = "transport"
    PLACE = "place"
    RETREAT = "retreat"


class Outcome(StrEnum):
    """What a pick yields as a label."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNCERTAIN = "uncertain"  # witnesses disagree: quarantined, never trained on
    ABORTED = "aborted"  # cancelled or a fault of the cell: no label


class Cause(StrEnum):
    """Why an attempt did not succeed. A real cell senses the first two groups only."""

    NONE = "none"
    # sensed by any cell
    NO_CONTACT = "no_contact"
    NO_SEAL = "no_seal"
    LOST_AT_LIFT = "lost_at_lift"
    LOST_IN_TRANSPORT = "lost_in_transport"
    DOUBLE_PICK = "double_pick"
    COLLISION = "collision"
    WITNESSES_DISAGREE = "witnesses_disagree"
    # no label
    UNREACHABLE = "unreachable"
    CANCELLED = "cancelled"
    CAMERA_LOST = "camera_lost"
    GRIPPER_FAULT = "gripper_fault"
    ARM_FAULT = "arm_fault"
    # true causes, known to a simulator
    LEAK_EDGE = "leak_edge"
    LEAK_TILT = "leak_tilt"
    LEAK_CURVATURE = "leak_curvature"
    LEAK_HOLE = "leak_hole"
    LEAK_POROUS = "leak_porous"
    BROKEN_WEIGHT = "broken_weight"
    BROKEN_LEVER = "broken_lever"
    BROKEN_TRAPPED = "broken_trapped"
    DROPPED = "dropped"


@dataclass(frozen=True, eq=False)
class PressureTrace:
    """Vacuum during one pick.

    Attributes:
        times: (N,) float64 seconds since the vacuum was switched on.
        vacuum: (N,) float32 kilopascals below ambient; 0 is no vacuum.
    """

    times: NDArray[np.float64]
    vacuum: NDArray[np.float32]


@dataclass(frozen=True)
class Removal:
    """What the depth difference around a pick says.

    Attributes:
        regions: separate surfaces that left the bin.
        pixels: size of the largest.
        volume: under the removed surfaces, cubic metres.
        event: what the pick did to the bin, in a word of `annotation.witness.PickEvent`; empty
            where nobody said.
        position: mean point of the largest, camera frame, metres; None where none left or its
            depth is not known.
    """

    regions: int
    pixels: int = 0
    volume: float = 0.0
    event: str = ""
    position: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.position is not None:  # a list where it comes from a file
            x, y, z = self.position
            object.__setattr__(self, "position", (float(x), float(y), float(z)))


@dataclass(frozen=True)
class PhaseReport:
    """What was measured in one phase.

    Attributes:
        phase: which one.
        duration: seconds, in the cell's own clock (simulated time in a simulator).
        vacuum: kilopascals below ambient at its end.
        tcp_height: height of the tool centre point in the base frame at its end, metres.
    """

    phase: Phase
    duration: float
    vacuum: float
    tcp_height: float


@dataclass(frozen=True, eq=False)
class GraspAttempt:
    """One executed pick: everything a trainer, a log or an auditor needs.

    Attributes:
        index: 0-based number of the attempt in its session.
        stamp_ns: start, nanoseconds, clock of the frames.
        point: the suction point, in the frame `before`.
        T_base_camera: (4, 4) used to reach it.
        T_base_tool: (4, 4) commanded pose of the tool at contact.
        outcome, cause: as sensed by the cell.
        phases: in order, up to the one in which the pick ended.
        pressure: vacuum over time.
        contact_height: sensed height of contact in the base frame, metres; NaN without contact.
        policy, model_version: provenance of the decision.
        before, after: frames around the pick; None where none was taken.
        true_outcome, true_cause: simulator's ground truth for scoring; None on a real cell.
        removal: what the depth difference between `before` and `after` says; None if not asked.
        detail: one sentence for a person on what went wrong; empty on success.
    """

    index: int
    stamp_ns: int
    point: SuctionPoint
    T_base_camera: NDArray[np.float64]
    T_base_tool: NDArray[np.float64]
    outcome: Outcome
    cause: Cause
    phases: tuple[PhaseReport, ...]
    pressure: PressureTrace
    contact_height: float = float("nan")
    policy: str = ""
    model_version: str = ""
    before: RgbdFrame | None = None
    after: RgbdFrame | None = None
    true_outcome: Outcome | None = None
    true_cause: Cause | None = None
    removal: Removal | None = None
    detail: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the cell sensed a success."""
        return self.outcome is Outcome.SUCCESS


@dataclass(frozen=True)
class GraspRectangle:
    """An oriented grasp rectangle g = {x, y, theta, w, h} (automatic annotation, equation 1).

    Attributes:
        x, y: centre in pixels (u, v).
        theta: angle in [0, pi) radians of the jaw plates' direction, from image +u towards +v.
        w: side along theta in pixels: the length of a jaw plate, set by the gripper.
        h: side normal to theta in pixels: the opening between the plates.
    """

    x: float
    y: float
    theta: float
    w: float
    h: float

    def __post_init__(self) -> None:
        values = [self.x, self.y, self.theta, self.w, self.h]
        if not np.isfinite(values).all() or not (0.0 <= self.theta < np.pi):
            raise ConfigError(f"rectangle {values}: not finite, or theta outside [0, pi)")
        if self.w <= 0 or self.h <= 0:
            raise ConfigError(f"rectangle {values}: a side is not positive")

    def corners(self) -> NDArray[np.float64]:
        """Return the corners (4, 2) in pixels (u, v); the first two span one jaw plate."""
        plate = np.array([np.cos(self.theta), np.sin(self.theta)]) * self.w / 2
        opening = np.array([-np.sin(self.theta), np.cos(self.theta)]) * self.h / 2
        centre = np.array([self.x, self.y])
        return centre + np.array(
            [-plate - opening, plate - opening, plate + opening, -plate + opening]
        )
