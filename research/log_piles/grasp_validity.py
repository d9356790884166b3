"""Is a grasp rectangle valid? The annotation paper's two criteria, from the true scene.

A candidate is not valid if "the size of the predicted bounding box is unsuitable (either too big or
too small)" or "grasping is not feasible due to partial occlusion of the object" (section 5.1). The
authors evaluated by eye; here both follow from where the logs truly lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array, Intrinsics, rotate_vectors, transform_points
from grasp_affordance.rectangle import GraspRectangle
from research.log_piles.cylinders import Cylinder, first_met, heights, highest
from research.log_piles.jaws import ParallelJaws, TopDownGrasp

_GRID = 0.002  # metres between the points at which heights are compared


class Fault(StrEnum):
    """Why a candidate is not valid."""

    NONE = "none"
    # size
    NO_LOG = "no_log"  # its centre is on none
    TOO_SMALL = "too_small"  # a plate comes down on the log
    TOO_BIG = "too_big"
    # partial occlusion
    COVERED = "covered"  # another log is on top
    BLOCKED = "blocked"  # something is where a plate goes


@dataclass(frozen=True)
class ValidityConfig:
    """Limits of the two criteria.

    Attributes:
        jaws: the gripper. A rectangle is too small if a plate, opened by `jaws.clearance`, would
            still come down on the log.
        depth: how far below the log's axis the plates have to get, metres. Less than `jaws.reach`:
            plates that come down on something a little earlier hold all the same.
        too_big: openings of more than this many times the log's width are too big, and those that
            the gripper does not reach.
        hidden: largest share of a log, seen from above, that others may hide: thicker neighbours
            overhang a little without resting on it.
        crown: largest share of the line along its top over which others may lie.
    """

    jaws: ParallelJaws = field(default_factory=ParallelJaws)
    depth: float = 0.001
    too_big: float = 1.5
    hidden: float = 0.25
    crown: float = 0.04

    def __post_init__(self) -> None:
        if self.too_big <= 1 or not (0 <= self.hidden < 1 and 0 <= self.crown < 1):
            raise ConfigError("validity: too_big must exceed 1, hidden and crown be in [0, 1)")


@dataclass(frozen=True, eq=False)
class RecordDecision:
    """What is true of a candidate.

    Attributes:
        fault: the first that applies, in the order of `Fault`.
        target: index of the log that its centre is on; -1 for none.
        grasp: what the gripper would do; None without a target.
        width: of the log between the plates, metres; NaN without a target.
    """

    fault: Fault
    target: int = -1
    grasp: TopDownGrasp | None = None
    width: float = float("nan")

    @property
    def valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.fault is Fault.NONE


def top_down_grasp(
    rectangle: GraspRectangle, z: float, intrinsics: Intrinsics, T_base_camera: Array
) -> TopDownGrasp:
    """Return the vertical grasp that a rectangle means on a round object.

    The sides of the rectangle are lines of sight that touch the object; its surface at the centre
    is half a width nearer than its axis, at which the plates close.

    Args:
        rectangle: in pixels.
        z: depth of the surface at its centre, metres.
        intrinsics, T_base_camera: of the camera.
    """
    c, s = np.cos(rectangle.theta), np.sin(rectangle.theta)
    plate = intrinsics.pixel_step(rectangle.x, rectangle.y, (c, s))
    normal = intrinsics.pixel_step(rectangle.x, rectangle.y, (-s, c))
    tangent = rectangle.h * float(np.linalg.norm(normal)) / 2
    radius = z * tangent / (1.0 - tangent)
    ray = intrinsics.deproject(rectangle.x, rectangle.y, 1.0)
    axis_point = ray * (z + radius / float(np.linalg.norm(ray)))
    direction = rotate_vectors(T_base_camera, np.array([*plate, 0.0]))
    return TopDownGrasp(
        position=transform_points(T_base_camera, axis_point),
        yaw=float(np.arctan2(direction[1], direction[0])),
        opening=2 * radius,
    )


def evaluate(
    rectangle: GraspRectangle,
    logs: Sequence[Cylinder],
    intrinsics: Intrinsics,
    T_base_camera: Array,
    bin_geometry: BinGeometry,
    config: ValidityConfig,
) -> RecordDecision:
    """Evaluate a candidate in the image of a camera by where the logs truly lie."""
    ray = intrinsics.deproject(rectangle.x, rectangle.y, 1.0)
    length = float(np.linalg.norm(ray))
    met = first_met(logs, T_base_camera[:3, 3], rotate_vectors(T_base_camera, ray / length))
    if met is None:
        return RecordDecision(Fault.NO_LOG)
    target, distance = met
    grasp = top_down_grasp(rectangle, distance / length, intrinsics, T_base_camera)
    return evaluate_grasp(grasp, target, logs, bin_geometry, config)


def evaluate_grasp(
    grasp: TopDownGrasp,
    target: int,
    logs: Sequence[Cylinder],
    bin_geometry: BinGeometry,
    config: ValidityConfig,
) -> RecordDecision:
    """Evaluate a grasp at the log of index `target`."""
    jaws, log = config.jaws, logs[target]
    low, high = _section(grasp, log, jaws)
    width = high - low
    others = [other for index, other in enumerate(logs) if index != target]
    half = jaws.opened(grasp.opening) / 2
    if max(-low, high) > half:
        fault = Fault.TOO_SMALL
    elif grasp.opening > min(config.too_big * width, jaws.maximum_opening):
        fault = Fault.TOO_BIG
    elif covered(log, others, config):
        fault = Fault.COVERED
    elif _blocked(grasp, (low, high), half, others, bin_geometry, jaws, _tip(grasp, log, config)):
        fault = Fault.BLOCKED
    else:
        fault = Fault.NONE
    return RecordDecision(fault, target, grasp, width)


def covered(log: Cylinder, others: Sequence[Cylinder], config: ValidityConfig) -> bool:
    """Whether other logs lie on a log."""
    return (
        covered_share(log, others) > config.hidden
        or covered_share(log, others, width=0.0) > config.crown
    )


def covered_share(log: Cylinder, others: Sequence[Cylinder], width: float = 0.95) -> float:
    """Return the share of a log, seen from above, over which others lie.

    Counted within `width` times its own width; 0 takes the line along its top.
    """
    across = np.cross([0.0, 0.0, 1.0], log.axis)
    length = float(np.linalg.norm(across))
    across = across / length if length > 1e-6 else np.array([1.0, 0.0, 0.0])
    along = np.linspace(-1, 1, 51) * 0.98 * log.length / 2
    beside = np.linspace(-1, 1, 9) * width * log.radius if width else np.zeros(1)
    points = (
        log.centre + along[:, None, None] * log.axis + beside[None, :, None] * across
    ).reshape(-1, 3)[:, :2]
    own = heights(log, points)
    seen = np.isfinite(own)
    return float(np.mean(highest(others, points[seen]) > own[seen])) if seen.any() else 1.0


def _section(grasp: TopDownGrasp, log: Cylinder, jaws: ParallelJaws) -> tuple[float, float]:
    """Return from where to where the log reaches in the closing direction between the plates.

    Metres from the grasp's position, no further than the gripper could ever open; the log is seen
    from above.
    """
    y = np.arange(-jaws.maximum_opening, jaws.maximum_opening, _GRID / 4)
    points = _points(grasp, _along_plates(jaws), y)
    inside = np.isfinite(heights(log, points)).reshape(-1, len(y)).any(axis=0)
    if not inside.any():
        return 0.0, 0.0
    return float(y[inside].min()), float(y[inside].max())


def _along_plates(jaws: ParallelJaws) -> Array:
    return np.linspace(-0.5, 0.5, 5) * jaws.plate_length


def _tip(grasp: TopDownGrasp, log: Cylinder, config: ValidityConfig) -> float:
    """Height that the plates' lower edges have to reach at the log, metres."""
    along = float((grasp.position - log.centre) @ log.axis)
    return float((log.centre + along * log.axis)[2]) - config.depth


def _blocked(
    grasp: TopDownGrasp,
    section: tuple[float, float],
    half: float,
    others: Sequence[Cylinder],
    bin_geometry: BinGeometry,
    jaws: ParallelJaws,
    tip: float,
) -> bool:
    """Whether something other than the log is where the plates come down to `tip` and close."""
    outer = half + jaws.plate_thickness
    y = np.concatenate([_span(-outer, section[0]), _span(section[1], outer)])
    points = _points(grasp, _along_plates(jaws), y)
    if (highest(others, points) > tip).any():
        return True
    at_tip = np.column_stack([points, np.full(len(points), max(tip, bin_geometry.floor + 1e-6))])
    return tip < bin_geometry.rim and not bool(bin_geometry.contains(at_tip).all())


def _span(first: float, last: float) -> Array:
    return np.linspace(first, last, max(2, int(np.ceil((last - first) / _GRID)) + 1))


def _points(grasp: TopDownGrasp, x: Array, y: Array) -> Array:
    """Return base-frame points (len(x) * len(y), 2) of a grid along plates and closing."""
    along, across = grasp.plates[:2], grasp.closing[:2]
    grid = grasp.position[:2] + x[:, None, None] * along + y[None, :, None] * across
    return np.asarray(grid.reshape(-1, 2))
