"""The poses that one pick goes through, computed before anything moves."""

from dataclasses import dataclass, field

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load, Motion, PatternConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import approach_pose, rotate_vectors, transform_points
from grasp_affordance.suction import SuctionPoint

_DOWN = np.array([0.0, 0.0, -1.0])


@dataclass(frozen=True)
class PickConfig:
    """How a pick moves. Speeds belong to the arm's driver.

    Attributes:
        along_normal: approach along the surface normal instead of vertically (the paper's way).
        max_tilt: of the approach from the vertical, radians; steeper normals are followed this far.
        clearance: between the lowest part of tool or load and the rim, or contents that stand
            higher, when moving sideways, metres.
        approach_distance: before the predicted surface, where the slow guarded approach begins,
            metres.
        overshoot: how far the guarded approach goes on below the predicted surface, metres; covers
            errors of depth and calibration.
        floor_margin: the cup stays this far over the bin's floor, so that it never lifts the bin,
            metres.
        wall_margin: between tool and bin walls, metres.
        cup_length: of the slim part of the tool behind the rim of the cup, metres.
        cup_clearance: by which that slim part is wider than the cup's rim, metres.
        tool_radius: of the thicker part behind it, metres.
        tool_length: from the rim of the cup to where the wrist begins, metres; checked for walls.
        max_heap: a point higher than this over the rim is a wrong measurement, metres.
        place: (x, y, z) on the surface on which objects are put, or in the opening of the box into
            which they fall, base frame, metres.
        load_mass: of the heaviest object, kilograms; 0 where it is not known.
        load_radius: how far an object reaches out from the cup's axis at most, metres; 0 where it
            is not known.
        pattern: places beside and over `place`.
        place_clearance: release when the load's lowest possible point is this far over it, metres.
        lower: then go on down slowly until the load touches something, and release it there.
        max_frame_age: an older view is not acted on, seconds.
        idle_vacuum: more than this before the vacuum is switched on means a stuck sensor or a
            forgotten object, kilopascals.
    """

    along_normal: bool = False
    max_tilt: float = float(np.radians(30))
    clearance: float = 0.04
    approach_distance: float = 0.02
    overshoot: float = 0.012
    floor_margin: float = 0.002
    wall_margin: float = 0.002
    cup_length: float = 0.09
    cup_clearance: float = 0.0
    tool_radius: float = 0.033
    tool_length: float = 0.16
    max_heap: float = 0.15
    place: tuple[float, float, float] = (0.25, -0.58, 0.13)
    load_mass: float = 0.0
    load_radius: float = 0.0
    pattern: PatternConfig = field(default_factory=PatternConfig)
    place_clearance: float = 0.005
    lower: bool = False
    max_frame_age: float = 10.0
    idle_vacuum: float = 10.0

    def __post_init__(self) -> None:
        lengths = {
            name: getattr(self, name)
            for name in (
                "clearance",
                "approach_distance",
                "overshoot",
                "floor_margin",
                "wall_margin",
                "cup_length",
                "cup_clearance",
                "tool_radius",
                "tool_length",
                "max_heap",
                "load_radius",
                "place_clearance",
            )
        }
        for name, value in lengths.items():
            if not 0.0 <= value <= 1.0:
                raise ConfigError(f"{name} = {value} m is not between 0 and 1 m")
        if not 0.0 <= self.max_tilt < np.pi / 2:
            raise ConfigError(f"max_tilt = {self.max_tilt} rad is not in [0, pi/2)")
        if self.clearance < self.approach_distance:
            raise ConfigError("clearance is smaller than approach_distance: no room to slow down")
        if len(self.place) != 3 or not np.isfinite(self.place).all():
            raise ConfigError(f"place = {self.place} is not (x, y, z) in metres")
        if not 0.0 <= self.load_mass <= 100.0:
            raise ConfigError(f"load_mass = {self.load_mass} kg is not between 0 and 100 kg")
        if not (self.max_frame_age > 0 and self.idle_vacuum > 0):
            raise ConfigError("max_frame_age and idle_vacuum must be positive")


@dataclass(frozen=True, eq=False)
class PickPlan:
    """Tool poses `T_base_tool` (4, 4) of one pick, in the order in which they are reached.

    Attributes:
        pre_grasp: above rim, contents and surface, on the line of approach.
        approach_start: where the guarded approach begins.
        contact: where the surface is predicted.
        approach_limit: where the guarded approach gives up.
        lift: straight above the contact, high enough for the load to clear rim and contents.
        above_place: as high, over the place area.
        place: where a load that hangs down as far as it may is released at the latest.
        lowest_place: where the guarded lowering of a shorter load ends; `place` without lowering.
        load: what hangs at the cup from the seal to the release, at most.
    """

    pre_grasp: Array
    approach_start: Array
    contact: Array
    approach_limit: Array
    lift: Array
    above_place: Array
    place: Array
    lowest_place: Array
    load: Load

    @property
    def motions(self) -> list[Motion]:
        """The pick's way."""
        down = [self.approach_start, self.approach_limit, self.lift]
        place = [self.place, self.lowest_place, self.above_place]
        return [
            Motion(self.pre_grasp),
            *(Motion(pose, linear=True) for pose in down),
            Motion(self.above_place, load=self.load),
            *(Motion(pose, linear=True) for pose in place),
        ]

    @property
    def waypoints(self) -> dict[str, Array]:
        """Every pose by its name; each must be reachable."""
        return {n: getattr(self, n) for n in self.__dataclass_fields__ if n != "load"}

    @property
    def loaded(self) -> frozenset[str]:
        """Names of the poses between which the load is carried over the cell."""
        return frozenset(("lift", "above_place"))


def plan_pick(
    point: SuctionPoint,
    T_base_camera: Array,
    bin_geometry: BinGeometry,
    config: PickConfig,
    top: float = -np.inf,
) -> PickPlan:
    """Return the poses of a pick at a suction point with known depth.

    What hangs below the cup is unknown before the lift, but never longer than the contact's height
    over the bin's floor: lift and place heights leave room for that much.

    Args:
        top: how high the contents of the bin reach, base frame, metres, where somebody knows.
    """
    surface = transform_points(T_base_camera, point.position)
    approach = _approach(rotate_vectors(T_base_camera, point.normal), config)
    hang = float(max(surface[2] - bin_geometry.floor, 0.0))
    dip = config.load_radius * float(np.sqrt(max(0.0, 1.0 - approach[2] ** 2)))  # a tilted load's
    over_bin = max(bin_geometry.rim, min(top, bin_geometry.rim + config.max_heap))
    highest = over_bin
    if config.pattern.places:  # what was put down reaches one layer over the next place at most
        highest = max(highest, config.place[2] + config.pattern.pitch[2])
    travel = highest + config.clearance + hang + dip
    descent = max(over_bin - surface[2], 0.0) + config.clearance

    contact = approach_pose(surface, approach)
    lift = approach_pose([surface[0], surface[1], max(travel, surface[2])], approach)
    place_surface = np.asarray(config.place)
    upright = approach_pose(place_surface, _DOWN)
    release = config.place_clearance
    return PickPlan(
        pre_grasp=_along(contact, -descent / -approach[2]),
        approach_start=_along(contact, -config.approach_distance),
        contact=contact,
        approach_limit=_along(contact, _overshoot(surface, approach, bin_geometry, config)),
        lift=lift,
        above_place=_raised(upright, max(travel - place_surface[2], hang + release)),
        place=_raised(upright, hang + release),
        lowest_place=_raised(upright, release if config.lower else hang + release),
        load=Load(config.load_mass, config.load_radius, hang),
    )


def _approach(normal: Array, config: PickConfig) -> Array:
    """Return the unit approach direction (3,): down, or against the normal up to the tilt limit."""
    if not config.along_normal or not np.isfinite(normal).all():
        return _DOWN
    tilt = np.arccos(np.clip(normal[2], -1.0, 1.0))
    sideways = np.array([normal[0], normal[1], 0.0])
    if tilt < 1e-6 or np.linalg.norm(sideways) < 1e-9:
        return _DOWN
    allowed = min(tilt, config.max_tilt)
    direction = np.sin(allowed) * sideways / np.linalg.norm(sideways) - np.cos(allowed) * _DOWN
    return np.asarray(-direction)


def _overshoot(
    surface: Array, approach: Array, bin_geometry: BinGeometry, config: PickConfig
) -> float:
    """Return how far past the predicted surface the approach may go without touching the floor."""
    room = surface[2] - bin_geometry.floor - config.floor_margin
    return float(min(config.overshoot, max(room, 0.0) / -approach[2]))


def _along(T_base_tool: Array, distance: float) -> Array:
    """Return the pose moved `distance` metres along its own approach axis."""
    T = T_base_tool.copy()
    T[:3, 3] += distance * T[:3, 2]
    return T


def _raised(T_base_tool: Array, height: float) -> Array:
    """Return the pose moved `height` metres up."""
    T = T_base_tool.copy()
    T[2, 3] += height
    return T
