"""What a picking cell is: three small Protocols and the space they work in.

The simulator, Gazebo and the physical UR5 implement them; `execution` knows nothing else. All calls
block and raise subclasses of `CellError`; after an error the arm stands still.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.attempt import Cause, Outcome, PressureTrace
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.errors import BinNotFoundError, ConfigError
from grasp_affordance.rgbd import RgbdFrame

Point = tuple[float, float, float]
"""x, y, z in metres."""


@dataclass(frozen=True)
class PatternConfig:
    """The places beside and over the first one.

    Attributes:
        counts: along the base frame's x, y and z; 0 layers: any number of objects, all at the
            first place.
        pitch: from one place to the next along each, metres; 0 where objects fall into a container
            that so many fill.
    """

    counts: tuple[int, int, int] = (1, 1, 0)
    pitch: Point = (0.0, 0.0, 0.0)

    def __post_init__(self) -> None:
        if min(self.counts[:2]) < 1 or self.counts[2] < 0:
            raise ConfigError(f"pattern {self.counts}: columns and rows from 1, layers from 0")
        if not self.counts[2] and self.counts != (1, 1, 0):
            raise ConfigError(f"pattern {self.counts}: a pattern without a limit has one place")
        if any(abs(step) > 1 for step in self.pitch) or self.pitch[2] < 0:
            raise ConfigError(f"pitch {self.pitch} m: at most 1 m, and layers go up")

    @property
    def places(self) -> int:
        """How many objects fill it; 0 for any number."""
        columns, rows, layers = self.counts
        return columns * rows * layers

    def offset(self, number: int) -> Point:
        """Return where object `number`, 0-based, goes, from the first place, metres."""
        columns, rows, layers = self.counts
        if not layers:
            return (0.0, 0.0, 0.0)
        column, row = number % columns, number // columns % rows
        x, y, z = self.pitch
        return (column * x, row * y, number // (columns * rows) * z)


@dataclass(frozen=True)
class Load:
    """What may hang at the cup: a cylinder about the tool's axis, from the rim on.

    Attributes:
        mass: at most, kilograms; 0 where nobody knows it.
        radius: how far it reaches out from the axis at most, metres; 0 where nobody knows it.
        length: how far it hangs down at most, metres.
    """

    mass: float = 0.0
    radius: float = 0.0
    length: float = 0.0


@dataclass(frozen=True, eq=False)
class Motion:
    """One of several motions that follow each other.

    Attributes:
        T_base_tool: (4, 4) where it ends.
        linear: whether on a straight line of the tool centre point.
        load: what the cup carries meanwhile; None for nothing.
    """

    T_base_tool: Array
    linear: bool = False
    load: Load | None = None


class Arm(Protocol):
    """A position-controlled arm whose tool centre point is the rim of the cup."""

    def tcp_pose(self) -> Array:
        """Return `T_base_tool` (4, 4); +z is the suction approach."""

    def check_reachable(self, T_base_tool: Array, load: Load | None = None) -> None:
        """Raise UnreachableError unless the pose lies within workspace and joint limits.

        Where the arm knows obstacles, it and `load` must not touch them.
        """

    def rehearse(self, motions: Sequence[Motion]) -> None:
        """Plan motions one after the other; move nothing.

        Raises:
            UnreachableError: one of them is not possible. CellError: planning fails otherwise.
        """

    def set_bin(self, box: BinGeometry) -> None:
        """Know from now on where the bin stands, not where it stood before; nothing moves.

        Where the arm knows obstacles, the bin's walls are among them.
        """

    def carry(self, load: Load | None) -> None:
        """Take note of what hangs at the cup from now on; None: the tool alone.

        The robot balances its mass, and free motions keep its cylinder off obstacles. Straight
        lines do not: a load of the greatest extents would stand in the wall of the bin from which
        it is lifted.

        Raises:
            ArmError: the robot refuses; nothing has moved.
        """

    def move_to(self, T_base_tool: Array, *, linear: bool = False) -> None:
        """Move to a pose; along a straight line of the TCP if `linear`.

        Raises:
            UnreachableError: before moving. CollisionError, StoppedError: the arm has stopped.
        """

    def move_until_contact(self, T_base_tool: Array) -> bool:
        """Move slowly on a straight line, stop at first contact; return whether there was one."""

    def home(self) -> None:
        """Move to where the camera sees the whole bin."""

    def stop(self) -> None:
        """Stop now, from any thread; the motion under way raises StoppedError."""


class Gripper(Protocol):
    """A vacuum cup with an ejector and a pressure sensor."""

    def grasp(self) -> None:
        """Switch the vacuum on and start a new pressure trace."""

    def release(self) -> None:
        """Switch the vacuum off and blow off; returns when the object is free."""

    def vacuum(self) -> float:
        """Return the present vacuum, kilopascals below ambient."""

    def holding(self) -> bool:
        """Wait until the vacuum has settled; return whether it is that of a sealed cup."""

    def trace(self) -> PressureTrace:
        """Return the vacuum since `grasp()`."""


class Camera(Protocol):
    """A static RGB-D camera (eye-to-hand)."""

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        """Return a frame exposed after `newer_than_ns`; raises CameraError when none comes."""

    def pose(self) -> Array:
        """Return `T_base_camera` (4, 4) as calibrated; raises CameraError when it is unknown."""


@dataclass(frozen=True)
class Cup:
    """A suction cup.

    Attributes:
        radius: of the sealing rim, metres.
        vacuum: reached when sealed, kilopascals below ambient.
        stroke: of the bellows, metres.
        tilt: the bellows follows a surface tilted up to this, radians.
    """

    radius: float = 0.010
    vacuum: float = 70.0
    stroke: float = 0.012
    tilt: float = float(np.radians(15))

    def __post_init__(self) -> None:
        if not (0 < self.radius < 0.1 and 0 < self.vacuum <= 101.3):
            raise ConfigError(f"cup of radius {self.radius} m, vacuum {self.vacuum} kPa")
        if not (self.stroke > 0 and 0 < self.tilt < np.pi / 2):
            raise ConfigError(f"cup with a stroke of {self.stroke} m and a tilt of {self.tilt} rad")

    @property
    def force(self) -> float:
        """Holding force of a full seal, newtons: area times vacuum (22 N for 20 mm at 70 kPa)."""
        return float(np.pi * self.radius**2 * self.vacuum * 1000.0)


@dataclass(frozen=True)
class Cell:
    """One cell: the parts, the bin they empty and the cup they carry.

    Attributes:
        bin: None until it has been found, where its place is not described.
        clock: seconds of the cell's own time (simulated time in a simulator), for durations.
        now_ns: nanoseconds in the clock of the frames' stamps, for their age.
        settle: waits until what a pick has stirred lies still; nothing to do on a real cell, which
            is slow enough.
        truth: the simulator's result on the last pick, asked once the arm has retreated; None on
            a real cell. For scoring only: no decision may depend on it.
    """

    arm: Arm
    gripper: Gripper
    camera: Camera
    bin: BinGeometry | None
    cup: Cup
    clock: Callable[[], float] = time.monotonic
    now_ns: Callable[[], int] = time.time_ns
    settle: Callable[[], None] = lambda: None
    truth: Callable[[], tuple[Outcome, Cause]] | None = None

    @property
    def known_bin(self) -> BinGeometry:
        """The bin; raises BinNotFoundError until it has been found."""
        if self.bin is None:
            raise BinNotFoundError("the bin has not been found yet: ask for suction points first")
        return self.bin
