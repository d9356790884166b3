"""Whether a cup seals where it touches: rays from its rim, a plane through what they meet."""

from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.attempt import Cause
from grasp_affordance.cell import Cup
from grasp_affordance.geometry import Array, approach_pose
from grasp_affordance.sim.piles.shapes import Hole
from grasp_affordance.sim.scene import GROUP_BACKGROUND, GROUP_OBJECT
from grasp_affordance.sim.world import World

_ANGLES = (np.arange(24) + 0.3) * 2 * np.pi / 24  # off the symmetry of objects and scenes
_ROWS = np.stack([np.cos(_ANGLES), np.sin(_ANGLES), np.ones(24)], axis=1)
_START = 0.030  # metres above the cup rim from which rays are cast
_GROUPS = np.zeros(6, dtype=np.uint8)
_GROUPS[[GROUP_BACKGROUND, GROUP_OBJECT]] = 1


@dataclass(frozen=True)
class SealRule:
    """Limits of a seal.

    Attributes:
        coverage: share of the rim that must meet one object.
        tilt_margin: added to the bellows' tilt: what the cup rim itself follows, radians.
        compliance: largest step along the rim that the cup rim follows, as a share of its radius.
    """

    coverage: float = 0.99
    tilt_margin: float = float(np.radians(3.0))
    compliance: float = 0.35


@dataclass(frozen=True)
class Seal:
    """What a cup at a pose would do.

    Attributes:
        cause: NONE if it seals, else NO_CONTACT or the leak.
        object_id: met by most of the rim; -1 for none.
        opening: leaking share of the rim for the vacuum, 0 sealed to 1 open.
        coverage: share of the rim on the object.
        tilt: of the plane through the rim's contact against the approach, radians.
        step: peak to peak distance of the rim's contact from that plane, metres.
        height: of the first contact along the approach, relative to the given position, metres.
    """

    cause: Cause
    object_id: int
    opening: float
    coverage: float
    tilt: float
    step: float
    height: float

    @property
    def sealed(self) -> bool:
        """Whether the cup seals."""
        return self.cause is Cause.NONE


_NOTHING = Seal(Cause.NO_CONTACT, -1, 1.0, 0.0, 0.0, 0.0, float("inf"))


def rim_points(T_base_tool: Array, radius: float) -> Array:
    """Return the rim (24, 3) of a cup at a pose, base frame, metres."""
    return np.asarray(T_base_tool[:3, 3] + radius * _ROWS[:, :2] @ T_base_tool[:3, :2].T)


def _cast(world: World, starts: Array, direction: Array) -> tuple[Array, NDArray[np.int32]]:
    """Return distances (N,) and object ids (N,) (-1 for the bin; inf and -2 for nothing)."""
    distances = np.empty(len(starts))
    ids = np.empty(len(starts), dtype=np.int32)
    geom = np.empty(1, dtype=np.int32)
    for k, start in enumerate(starts):
        distance = mujoco.mj_ray(
            world.model, world.data, start, direction, _GROUPS, True, -1, geom, None
        )
        distances[k] = distance if distance >= 0 else np.inf
        ids[k] = world.object_of_geom[geom[0]] if distance >= 0 else -2
    return distances, ids


def _plane(radius: float, distances: Array, valid: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit distance = a cos + b sin + c; return tilt (radians) and peak to peak residual."""
    design = _ROWS[valid]
    solution, *_ = np.linalg.lstsq(design, distances[valid], rcond=None)
    residual = distances[valid] - design @ solution
    tilt = np.arctan(np.hypot(solution[0], solution[1]) / radius)
    return float(tilt), float(np.ptp(residual))


def _over_hole(world: World, object_id: int, T_base_tool: Array, radius: float) -> bool:
    """Whether a through hole of the object opens under the cup."""
    rotation = world.rotations()[object_id]
    origin = world.positions()[object_id]
    approach = rotation.T @ T_base_tool[:3, 2]
    point = rotation.T @ (T_base_tool[:3, 3] - origin)
    holes = world.objects[object_id].shape.holes
    return any(_meets(hole, point, approach, radius) for hole in holes)


def _meets(hole: Hole, point: Array, approach: Array, radius: float) -> bool:
    axis = np.asarray(hole.axis)
    if abs(axis @ approach) < 0.7:  # looking at the object from its side, the hole is hidden
        return False
    offset = point - np.asarray(hole.centre)
    away = np.linalg.norm(offset - (offset @ axis) * axis)
    return bool(away < hole.radius + radius)


def evaluate(
    world: World, T_base_tool: Array, cup: Cup, rule: SealRule, reach: float = 0.010
) -> Seal:
    """Evaluate a cup whose cup rim's centre is at `T_base_tool`, +z along the approach.

    `reach` is how far below the cup rim the first contact may lie, metres (beyond it: no contact).
    The rim's limits are the cup's: what lies more than its stroke below the first contact is open.
    """
    direction = np.ascontiguousarray(T_base_tool[:3, 2])
    centre = T_base_tool[:3, 3]
    starts = np.concatenate([rim_points(T_base_tool, cup.radius), centre[None]])
    distances, ids = _cast(world, starts - _START * direction, direction)
    distances = distances - _START
    first = float(distances.min())
    if not np.isfinite(first) or first > reach or (ids < 0).all():
        return _NOTHING
    reached = distances <= first + cup.stroke
    rim, rim_ids = distances[:-1], ids[:-1]
    counts = np.bincount(ids[reached & (ids >= 0)]) if (reached & (ids >= 0)).any() else None
    if counts is None:
        return _NOTHING
    object_id = int(counts.argmax())
    on = (rim_ids == object_id) & reached[:-1]
    coverage = float(on.mean())
    tilt, step = _plane(cup.radius, rim, on) if on.sum() >= 3 else (0.0, 0.0)
    cause = _cause(world, object_id, coverage, tilt, step, T_base_tool, cup, rule)
    opening = _opening(cause, coverage, tilt, step, cup, rule)
    return Seal(cause, object_id, opening, coverage, tilt, step, first)


def _cause(
    world: World,
    object_id: int,
    coverage: float,
    tilt: float,
    step: float,
    T_base_tool: Array,
    cup: Cup,
    rule: SealRule,
) -> Cause:
    if _over_hole(world, object_id, T_base_tool, cup.radius):
        return Cause.LEAK_HOLE
    if tilt > cup.tilt + rule.tilt_margin:
        return Cause.LEAK_TILT
    if coverage < rule.coverage:
        return Cause.LEAK_EDGE
    if step > rule.compliance * cup.radius:
        return Cause.LEAK_CURVATURE
    if world.objects[object_id].porous:
        return Cause.LEAK_POROUS
    return Cause.NONE


def _opening(
    cause: Cause, coverage: float, tilt: float, step: float, cup: Cup, rule: SealRule
) -> float:
    """Return the leaking share of the rim; no leak is small enough to hold (under 31 of 70 kPa)."""
    if cause is Cause.NONE:
        return 0.0
    if cause is Cause.LEAK_POROUS:
        return 0.35
    if cause is Cause.LEAK_HOLE:
        return 1.0
    by_edge = 1.0 - coverage
    by_tilt = max(0.0, np.tan(tilt) / np.tan(cup.tilt + rule.tilt_margin) - 1.0)
    by_step = max(0.0, step / (rule.compliance * cup.radius) - 1.0)
    return float(np.clip(by_edge + 0.5 * by_tilt + 0.5 * by_step, 0.22, 1.0))


def seal_at(
    world: World,
    position: Array,
    approach: Array,
    cup: Cup,
    rule: SealRule,
    reach: float = 0.030,
) -> Seal:
    """Evaluate a cup that comes down through `position` (3,) along `approach` (3,), base frame."""
    T = approach_pose(position, approach)
    return evaluate(world, T, cup, rule, reach)
