"""What a simulated cell is made of: one frozen dataclass, with the three hardnesses as presets."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cup
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.errors import ConfigError


class Hardness(StrEnum):
    """How much of reality the cell has."""

    IDEAL = "ideal"  # perfect depth, true calibration, new cup, one material
    REALISTIC = "realistic"  # sensor model, +-2 mm calibration error, cup wear
    ADVERSE = "adverse"  # and materials, contents and offsets that geometry cannot show


@dataclass(frozen=True)
class MotionLimits:
    """Speeds of the simulated arm.

    Attributes:
        joint_speed, joint_acceleration: of the leading joint, rad/s and rad/s^2. A UR5 allows
            3.14 rad/s, and the joints run ahead of their plan by 6 %; the acceleration takes two
            thirds of its torque.
        linear_speed, linear_acceleration: of the TCP on straight lines, m/s and m/s^2: it stays
            within 4 mm of its line.
        contact_speed: of a guarded descent, m/s.
        contact_compression: of the bellows at which a guarded descent stops, metres.
        carrying: factor on the accelerations that add to what the cup bears while an object hangs
            on it. A third of what the seal bears stays in reserve: a safety factor of 1.5.
        contact_force: of tool or arm against anything at which it stops as collided, newtons.
    """

    joint_speed: float = 2.9
    joint_acceleration: float = 19.0
    linear_speed: float = 0.7
    linear_acceleration: float = 4.0
    contact_speed: float = 0.20
    contact_compression: float = 0.0015
    carrying: float = 0.28
    contact_force: float = 40.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"{name} must be positive, got {value}")


@dataclass(frozen=True)
class SimConfig:
    """One simulated cell.

    Attributes:
        scene: a name of `stacks.SCENES`, or `train`: one of the four training types, chosen at
            random for every stack.
        hardness: ideal, realistic or adverse.
        objects: at most this many of a stack's objects, the first; 0 for all of them.
        seed: of everything that is random; the same seed gives the same physics bit for bit.
        cup: the new cup; `realistic` and `adverse` wear it.
        bin: where it stands; the table's top is 10 mm below its floor.
        camera_height: of the optical centre above the bin's floor, metres.
        camera_offset: of the optical centre from above the middle of the bin's floor, at which it
            always looks: (x, y) in the base frame, metres.
        camera_turn: about its optical axis, radians.
        fovy: vertical field of view, degrees.
        width, height: of the images, pixels.
        place: (x, y) of the place area in the base frame, metres.
        limits: speeds of the arm.
        meshes: draw the arm with the meshes of the optional package `example-robot-data`.
        real_time_factor: simulated seconds per second at most; 0 runs as fast as it can.
    """

    scene: str = "random"
    hardness: Hardness = Hardness.REALISTIC
    objects: int = 0
    seed: int = 0
    cup: Cup = field(default_factory=Cup)
    bin: BinGeometry = field(default_factory=BinGeometry)
    camera_height: float = 0.80
    camera_offset: tuple[float, float] = (0.0, 0.0)
    camera_turn: float = 0.0
    fovy: float = 42.0
    width: int = 640
    height: int = 480
    place: tuple[float, float] = (0.25, -0.58)
    limits: MotionLimits = field(default_factory=MotionLimits)
    meshes: bool = False
    real_time_factor: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hardness", Hardness(self.hardness))
        if not (16 <= self.width <= 4096 and 16 <= self.height <= 4096):
            raise ConfigError(f"image size {self.width}x{self.height} is not sensible")
        if not 10.0 <= self.fovy <= 120.0:
            raise ConfigError(f"fovy {self.fovy} degrees is not that of a depth camera")
        if self.camera_height < 0.3:
            raise ConfigError(f"camera_height {self.camera_height} m leaves no room for the arm")
        if self.real_time_factor < 0:
            raise ConfigError(f"real_time_factor {self.real_time_factor} is negative")
        if self.seed < 0 or self.objects < 0:
            raise ConfigError(f"seed {self.seed} or objects {self.objects} is negative")

    @classmethod
    def of(cls, cell: CellDescription, **play: Any) -> Self:
        """Return a described cell, simulated: its bin, its cup and its place area.

        Args:
            play: the other fields, such as the scene.

        Raises:
            ConfigError: the cell has no bin, or a value makes no sense.
        """
        if cell.bin is None:
            raise ConfigError("bin: a simulated cell needs bin.centre and bin.size")
        return cls(cup=cell.cup, bin=cell.bin, place=cell.pick.place[:2], **play)
