"""The one description of a cell: all that is true of it and that nobody may repeat elsewhere.

One YAML file holds what differs from the defaults here (`cell_file.py`; config/cells/ has four).
Every node gets it as its parameter `cell`, every command as `--cell`, and an attempt log carries
the one that its attempts were evaluated by.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cup, PatternConfig, Point
from grasp_affordance.config_dict import from_dict, nested, to_dict
from grasp_affordance.errors import ConfigError, GeometryError
from grasp_affordance.geometry import check_rigid, from_quaternion
from grasp_affordance.suction import Source

Pose = tuple[float, float, float, float, float, float, float]


class CellKind(StrEnum):
    """The kinds of cell that there are."""

    MUJOCO = "mujoco"
    UR = "ur"
    GAZEBO = "gazebo"


class ContactSign(StrEnum):
    """What counts as contact; several may be combined, the first to show ends the approach."""

    VACUUM = "vacuum"  # it rises
    TRACKING = "tracking"  # a joint lags behind its plan
    FORCE = "force"  # the flange feels more than at the start
    DEPTH = "depth"  # the programmed end is taken for contact, unsensed


class GripperKind(StrEnum):
    """What the vacuum hangs on."""

    UR_IO = "ur_io"  # outputs and inputs of the robot
    SERVICE = "service"  # a ROS 2 interface of its own


class Sensing(StrEnum):
    """How a vacuum sensor on the robot's inputs reports."""

    ANALOG = "analog"  # a voltage or a current, linear in the vacuum
    DIGITAL = "digital"  # a switch that closes at a set vacuum


class Switch(StrEnum):
    """How a gripper with its own interface is switched."""

    SERVICE = "service"  # std_srvs/SetBool
    ACTION = "action"  # control_msgs/GripperCommand


class Signal(StrEnum):
    """What a gripper with its own interface publishes."""

    PRESSURE = "pressure"  # sensor_msgs/FluidPressure
    VACUUM = "vacuum"  # std_msgs/Float32
    HOLDING = "holding"  # std_msgs/Bool


@dataclass(frozen=True)
class CameraDescription:
    """The camera: its topics, where it is, and which of its frames are good enough.

    Attributes:
        topics: prefix of its topics, relative to the namespace.
        pose: x y z (metres) and quaternion x y z w of the optical frame in the base frame; without
            it TF, then `calibration`, then the camera's own latched pose are asked.
        calibration: file of `grasp-affordance calibrate`, eye-to-hand, relative to the cell's file;
            empty for none.
        max_age: an older frame is not evaluated, and stops the arm, seconds.
        timeout: a fresh frame, and at the start the camera's pose, are waited for so long, seconds.
        depth_unit: metres per count of 16-bit depth images.
        trust_depth_frame: the depth is aligned to color although its header names another frame.
        region: pixels [u, v] around the bin's interior, for a bin whose box is not known.
        empty: folder of a sequence whose first frame shows the bin empty from the same camera,
            relative to the cell's file; empty for none.
    """

    topics: str = "camera/camera"
    pose: Pose | None = None
    calibration: str = ""
    max_age: float = 1.0
    timeout: float = 2.0
    depth_unit: float = 0.001
    trust_depth_frame: bool = False
    region: tuple[tuple[float, float], ...] = ()
    empty: str = ""

    def __post_init__(self) -> None:
        if not self.topics:
            raise ConfigError("topics is empty; name the prefix of the camera's topics")
        if not (self.max_age > 0 and self.timeout >= 0):
            raise ConfigError("max_age must be positive, timeout not negative")
        if not 0 < self.depth_unit <= 0.1:
            raise ConfigError(f"depth_unit {self.depth_unit} is not between 0 and 0.1 m")
        if 0 < len(self.region) < 3:
            raise ConfigError("region needs three or more pixels [u, v]")
        if self.pose is not None:
            _check_pose(self.pose, "pose")


@dataclass(frozen=True)
class OfferDescription:
    """Which suction points may be offered.

    Attributes:
        source: of the map, prior or learned; the prior also serves until there are weights.
        min_probability: a point that is expected to succeed less often is not offered, and a bin
            without a better one is handed back.
        max_tilt: of a surface against the approach, radians.
        edge_radii: cup radii that depth edges must keep away.
        hole_radii: cup radii that holes in the depth must keep away.
    """

    source: Source = Source.LEARNED
    min_probability: float = 0.3
    max_tilt: float = float(np.radians(25))
    edge_radii: float = 0.4
    hole_radii: float = 0.6

    def __post_init__(self) -> None:
        if self.source not in (Source.PRIOR, Source.LEARNED):
            raise ConfigError(f"source '{self.source}' is no map: expected prior or learned")
        if not 0 <= self.min_probability <= 1:
            raise ConfigError(f"min_probability {self.min_probability} is not in [0, 1]")
        if not 0 < self.max_tilt <= np.pi / 2:
            raise ConfigError(f"max_tilt {self.max_tilt} rad is not in (0, pi/2]")
        if min(self.edge_radii, self.hole_radii) < 0:
            raise ConfigError("edge_radii and hole_radii must not be negative")


@dataclass(frozen=True)
class ToolDescription:
    """The tool between the arm's last link and the rim of the cup.

    Attributes:
        rim: of the cup in that link: x y z (metres) and quaternion x y z w; its z axis is the
            suction approach.
        radius: of the thick part, metres.
        slim: length of the slim part behind the rim, metres.
        link: of the tool in the robot's own description; empty where it is not there.
        mass: which a physical robot is told to balance, kg; 0: it is told nothing, and what is set
            on its pendant holds.
        centre_of_mass: (x, y, z) in the arm's last link, metres.
    """

    rim: Pose = (0.0, 0.0, 0.16, 0.0, 0.0, 0.0, 1.0)
    radius: float = 0.033
    slim: float = 0.09
    link: str = ""
    mass: float = 0.0
    centre_of_mass: Point = (0.0, 0.0, 0.05)

    def __post_init__(self) -> None:
        _check_pose(self.rim, "rim")
        if min(self.radius, self.slim, self.mass) < 0:
            raise ConfigError("radius, slim and mass must not be negative")

    @property
    def length(self) -> float:
        """From the rim to where the wrist begins, metres."""
        return float(np.linalg.norm(self.rim[:3]))


@dataclass(frozen=True)
class ArmDescription:
    """Which arm, how fast, and how far it may go.

    Attributes:
        kind: mujoco (simulated), ur (UR driver and MoveIt) or gazebo. A simulated arm has limits
            of its own, and only `kind` counts then.
        model: ur5 (CB3), ur5e, or another name that ur_description knows.
        home: joint angles from which the camera sees the whole bin, radians.
        speed: of free motions, share of full speed.
        linear_speed: of straight lines, m/s.
        contact_speed: of a guarded approach, m/s.
        contact_signs: what counts as contact: vacuum, tracking, force, depth.
        contact_force: of the sign force, beyond the force at the start, newtons.
        lowest: lowest corner (x, y, z) of the box in which the rim of the cup stays, base frame,
            metres; points outside are not offered.
        highest: its highest corner.
        joints_lowest: angles, radians.
        joints_highest: angles, radians.
    """

    kind: CellKind = CellKind.MUJOCO
    model: str = "ur5"
    home: tuple[float, float, float, float, float, float] = (
        1.804,
        -1.211,
        0.939,
        -1.299,
        -1.571,
        -2.908,
    )
    speed: float = 0.3
    linear_speed: float = 0.25
    contact_speed: float = 0.03
    contact_signs: tuple[ContactSign, ...] = (ContactSign.VACUUM,)
    contact_force: float = 6.0
    lowest: Point = (-0.20, -0.85, -0.02)
    highest: Point = (0.85, 0.85, 0.80)
    joints_lowest: tuple[float, float, float, float, float, float] = (
        -6.2,
        -3.2,
        -3.0,
        -6.2,
        -6.2,
        -6.2,
    )
    joints_highest: tuple[float, float, float, float, float, float] = (
        6.2,
        0.1,
        3.0,
        6.2,
        6.2,
        6.2,
    )

    def __post_init__(self) -> None:
        if not 0 < self.speed <= 1:
            raise ConfigError(f"speed {self.speed} is a share of full speed: above 0, at most 1")
        if not 0 < self.contact_speed <= self.linear_speed <= 1.5:
            raise ConfigError("speeds must be 0 < contact_speed <= linear_speed <= 1.5 m/s")
        if not self.contact_signs:
            raise ConfigError("contact_signs is empty: the approach would never notice anything")
        if self.contact_force <= 0:
            raise ConfigError(f"contact_force {self.contact_force} N must be positive")
        if not all(a < b for a, b in zip(self.lowest, self.highest, strict=True)):
            raise ConfigError(
                f"the box from lowest {self.lowest} to highest {self.highest} is empty"
            )
        within = zip(self.joints_lowest, self.home, self.joints_highest, strict=True)
        for number, (low, angle, high) in enumerate(within, 1):
            if not low <= angle <= high:
                raise ConfigError(
                    f"home turns joint {number} to {angle} rad, outside of joints_lowest {low} to "
                    f"joints_highest {high}"
                )


@dataclass(frozen=True)
class GripperDescription:
    """What the vacuum of a physical cell hangs on, and when the cup counts as sealed.

    Attributes:
        kind: ur_io (the robot's outputs and inputs) or service (a ROS 2 interface of its own).
        sealed: from this vacuum on the cup counts as sealed, kilopascals.
        vacuum_pin: digital output of the suction valve: 0 to 7 standard, 8 to 15 configurable, 16
            and 17 at the tool.
        blow_off_pin: digital output of the blow-off valve; -1 where there is none.
        sensing: how the sensor on the robot's inputs reports: analog or digital.
        sensor_pin: its input: 0 or 1 analog, 0 to 17 digital.
        sensor_signals: analog signal at either end of `sensor_vacuums`: volts, or amperes.
        sensor_vacuums: kilopascals below ambient that belong to them.
        sensor_inverted: the digital input is on while there is no vacuum.
        switch: of a gripper with its own interface: service or action.
        switch_name: of that service or action.
        signal: its topic: pressure, vacuum or holding.
        signal_name: of that topic.
    """

    kind: GripperKind = GripperKind.UR_IO
    sealed: float = 40.0
    vacuum_pin: int = 0
    blow_off_pin: int = 1
    sensing: Sensing = Sensing.ANALOG
    sensor_pin: int = 0
    sensor_signals: tuple[float, float] = (1.0, 5.0)
    sensor_vacuums: tuple[float, float] = (0.0, 101.3)
    sensor_inverted: bool = False
    switch: Switch = Switch.SERVICE
    switch_name: str = "vacuum_gripper/switch"
    signal: Signal = Signal.HOLDING
    signal_name: str = "vacuum_gripper/grasping"

    def __post_init__(self) -> None:
        if not 0 <= self.vacuum_pin <= 17 or not -1 <= self.blow_off_pin <= 17:
            raise ConfigError("output pins are 0 to 17, blow_off_pin may be -1")
        if self.vacuum_pin == self.blow_off_pin:
            raise ConfigError(f"pin {self.vacuum_pin} cannot be both vacuum_pin and blow_off_pin")
        pins = 1 if self.sensing is Sensing.ANALOG else 17
        if not 0 <= self.sensor_pin <= pins:
            raise ConfigError(f"sensor_pin {self.sensor_pin} is not between 0 and {pins}")
        if len({*self.sensor_signals}) < 2 or len({*self.sensor_vacuums}) < 2:
            raise ConfigError("sensor_signals or sensor_vacuums are equal: that is no scale")

    @property
    def switches(self) -> bool:
        """Whether the sensor knows two values only."""
        if self.kind is GripperKind.UR_IO:
            return self.sensing is Sensing.DIGITAL
        return self.signal is Signal.HOLDING


@dataclass(frozen=True)
class ObstacleDescription:
    """What stands in a physical cell beside the bin, base frame, metres.

    Attributes:
        table: height of the table's top.
        table_from: corner (x, y) of the table.
        table_to: opposite corner (x, y).
        post: (x, y) of the camera's post.
        post_width: of its square section; 0 for no post.
        post_height: of its top over the table.
        camera: (x, y, z) of the camera's body.
        camera_size: cube around the camera; 0 for none.
    """

    table: float = -0.02
    table_from: tuple[float, float] = (0.15, -1.0)
    table_to: tuple[float, float] = (1.2, 1.0)
    post: tuple[float, float] = (1.0, 0.0)
    post_width: float = 0.06
    post_height: float = 1.1
    camera: Point = (0.5, 0.0, 0.82)
    camera_size: float = 0.14

    def __post_init__(self) -> None:
        if not all(a < b for a, b in zip(self.table_from, self.table_to, strict=True)):
            raise ConfigError(f"table from {self.table_from} to {self.table_to} is empty")
        if min(self.post_width, self.post_height, self.camera_size) < 0:
            raise ConfigError("post_width, post_height and camera_size must not be negative")


@dataclass(frozen=True)
class PickDescription:
    """How a pick moves.

    Attributes:
        place: (x, y, z) on the surface on which objects are put, or in the opening of the box into
            which they fall, base frame, metres.
        pattern: how many objects are put along x, along y and in layers, beginning at `place`; then
            the container is full. 0 layers: any number, all at `place`.
        pitch: from one object of the pattern to the next along x, y and z, metres; along z it is
            the height of an object. 0 0 0 with a container into which they fall.
        lower: go down slowly over it until the load touches something, and release it there.
        clearance: between the lowest part of tool or load and the rim of the bin when moving
            sideways, metres.
        overshoot: how far the guarded approach goes on below the predicted surface, metres.
        load_mass: of the heaviest object, kg, which the robot is told to balance from the seal to
            the release; needs `tool.mass`. 0 where it is not known.
        load_radius: how far an object reaches out from the cup's axis at most, metres: so much room
            is kept to walls and posts while it is carried. 0 where it is not known.
    """

    place: Point = (0.25, -0.58, 0.13)
    pattern: tuple[int, int, int] = (1, 1, 0)
    pitch: Point = (0.0, 0.0, 0.0)
    lower: bool = False
    clearance: float = 0.04
    overshoot: float = 0.012
    load_mass: float = 0.0
    load_radius: float = 0.0

    def __post_init__(self) -> None:
        _ = self.places  # refuses what is no pattern
        if not (0 <= self.load_mass <= 100 and 0 <= self.load_radius <= 1):
            raise ConfigError("load_mass must be 0 to 100 kg and load_radius 0 to 1 m")
        if not (0 <= self.overshoot <= 1 and 0 < self.clearance <= 1):
            raise ConfigError("clearance and overshoot must be between 0 and 1 m")

    @property
    def places(self) -> PatternConfig:
        """Return where objects are put, from `place` on."""
        return PatternConfig(self.pattern, self.pitch)


@dataclass(frozen=True)
class CellDescription:
    """One cell.

    Attributes:
        bin: the interior of the bin in the base frame; None where nobody has measured it.
        bins: inner sizes (length, width, depth) of the containers that may come, metres: without
            `bin`, the one that stands in view is found in every image.
        cup: the suction cup.
        base_frame: name of the robot's base frame, without `tf_prefix`. That of the UR's
            controller, in which the pendant shows poses, is `base`.
        tf_prefix: before all names of frames, links and joints, where several robots share one
            system.
        camera: topics, pose, which frames are good enough.
        offer: which points may be offered.
        tool: between arm and cup.
        arm: which, how fast, how far.
        gripper: of a physical cell.
        obstacles: in a physical cell.
        pick: how a pick moves.
    """

    bin: BinGeometry | None = None
    bins: tuple[Point, ...] = ()
    cup: Cup = field(default_factory=Cup)
    base_frame: str = "base"
    tf_prefix: str = ""
    camera: CameraDescription = field(default_factory=CameraDescription)
    offer: OfferDescription = field(default_factory=OfferDescription)
    tool: ToolDescription = field(default_factory=ToolDescription)
    arm: ArmDescription = field(default_factory=ArmDescription)
    gripper: GripperDescription = field(default_factory=GripperDescription)
    obstacles: ObstacleDescription = field(default_factory=ObstacleDescription)
    pick: PickDescription = field(default_factory=PickDescription)

    def __post_init__(self) -> None:
        if not self.base_frame:
            raise ConfigError("base_frame is empty; name the robot's base frame")
        if self.pick.load_mass > 0 and self.tool.mass == 0:
            raise ConfigError(
                f"pick.load_mass {self.pick.load_mass} kg needs tool.mass: the robot is told of "
                "both together"
            )
        if self.bin is not None and self.bins:
            raise ConfigError(
                "bin and bins: where the place is known, nothing is found; remove one"
            )
        sizes = self.bins if self.bin is None else (self.bin.size,)
        if sizes and self.camera.region:
            raise ConfigError("camera.region and bin: the box says where it is seen; remove one")
        for size in sizes:
            if min(size) <= 0:
                raise ConfigError(f"bins: {size} has a side that is not positive")
            if 2 * self.cup.radius >= min(size[:2]):
                raise ConfigError(
                    f"cup.radius {self.cup.radius} m: the cup is wider than the bin, whose size is "
                    f"{size} m"
                )
        if self.bin is not None and self.limited:
            self._check_workspace(self.bin)

    @property
    def base_frame_id(self) -> str:
        """Name of the robot's base frame, with its prefix."""
        return self.tf_prefix + self.base_frame

    @property
    def limited(self) -> bool:
        """Whether the arm keeps to the box from `arm.lowest` to `arm.highest`."""
        return self.arm.kind is not CellKind.MUJOCO

    def changed(self, changes: Mapping[str, Any]) -> "CellDescription":
        """Return this description with other values: dotted key -> JSON value.

        Raises:
            ConfigError: an unknown key, a wrong type, or a description that is inconsistent.
        """
        return from_dict(CellDescription, nested(changes), default=self)

    def require_bin(self) -> None:
        """Raise ConfigError where the bin is neither described nor can be found."""
        if self.bin is None and not self.bins:
            raise ConfigError(
                "bin: a cell that picks needs it: bin.centre, bin.size, bin.floor; or bins, the "
                "sizes of containers among which it is found"
            )

    def _check_workspace(self, box: BinGeometry) -> None:
        """Refuse a box of the arm that leaves out a part of the bin, or the place area."""
        corners = box.corners()
        pattern = self.pick.places
        last = pattern.offset(max(pattern.places - 1, 0))
        put = [self.pick.place, np.add(self.pick.place, last)]
        for what, points in (("the bin's interior", corners), ("pick.place and its pattern", put)):
            for point in np.asarray(points):
                beyond = (point < np.array(self.arm.lowest) - 1e-9) | (
                    point > np.array(self.arm.highest) + 1e-9
                )
                if beyond.any():
                    x, y, z = point
                    raise ConfigError(
                        f"arm.lowest {self.arm.lowest} to arm.highest {self.arm.highest} do not "
                        f"contain {what}: ({x:.3f}, {y:.3f}, {z:.3f}) m is outside"
                    )


def _check_pose(pose: Pose, name: str) -> None:
    try:
        check_rigid(from_quaternion(pose[:3], pose[3:]), name)
    except GeometryError as error:
        raise ConfigError(f"{name}: {error}") from error


def cell_to_dict(cell: CellDescription) -> dict[str, Any]:
    """Return all values of a description as nested JSON values."""
    return to_dict(cell)


def cell_from_dict(data: Any) -> CellDescription:
    """Return the description that nested JSON values give; the rest are defaults.

    Raises:
        ConfigError: see `config_dict.from_dict`; or the values do not fit each other.
    """
    return from_dict(CellDescription, data)


def set_keys(cell: CellDescription) -> dict[str, Any]:
    """Return what differs from the defaults, nested: what a cell's file holds."""
    return _changes(cell, CellDescription())


def _changes(value: Any, default: Any) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for each in dataclasses.fields(value):
        new, old = getattr(value, each.name), getattr(default, each.name)
        if new == old:
            continue
        both = dataclasses.is_dataclass(new) and dataclasses.is_dataclass(old)
        changes[each.name] = _changes(new, old) if both else to_dict(value)[each.name]
    return changes
