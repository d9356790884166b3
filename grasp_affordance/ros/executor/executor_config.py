"""The executor's own parameters; what is true of the cell stands in its description."""

from dataclasses import dataclass, field
from typing import ClassVar

from grasp_affordance.calibration.drift import DriftConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.execution.continuous import ContinuousConfig
from grasp_affordance.execution.picker import MemoryConfig
from grasp_affordance.ros.common.config_values import FilePath
from grasp_affordance.ros.executor.permission import PermissionConfig
from grasp_affordance.ros.executor.pick_record import RecordConfig
from grasp_affordance.sim import Hardness


@dataclass(frozen=True)
class SimulationConfig:
    """What a simulated cell plays, where the cell is one.

    Attributes:
        scene: a name of `stacks.SCENES`, or `train`: one of the four training types, chosen at
            random for every stack.
        hardness: ideal, realistic or adverse.
        objects: at most this many of a stack's objects; 0 for all of them.
        seed: of everything that is random.
        real_time_factor: simulated seconds per second at most; 0 runs as fast as it can.
        camera_rate: frames per second that its camera publishes unasked.
        film_path: MP4 that shows every motion from the side; it appears when the node is cleaned
            up. Empty: none.
    """

    scene: str = "train"
    hardness: Hardness = Hardness.REALISTIC
    objects: int = 0
    seed: int = 0
    real_time_factor: float = 0.0
    camera_rate: float = 2.0
    film_path: str = ""


@dataclass(frozen=True)
class ExecutorNodeConfig:
    """How the executor works.

    Attributes:
        cell: file of the cell's description, or the name of one that comes with the package.
        affordance_node: name of the node that says where to pick.
        candidates: points asked for; the first that may be picked is.
        answer_timeout: how long to wait for them, seconds.
        stop_timeout: how long the arm may take to come to rest, seconds.
        removal_check: compare the views before and after each pick; what contradicts the pressure
            is uncertain and no label.
        mock_hardware: the UR driver has no robot (use_mock_hardware): dry runs and motions work, a
            pick ends as aborted, because nothing measures a vacuum.
        record: what is kept of each attempt; a trainer learns from nothing else.
        memory: of points that just failed.
        continuous: when continuous picking gives up.
        drift: of contact heights, from which the calibration is in doubt and picking stops.
        permission: who may pause it.
        simulation: what a simulated cell plays.
    """

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "cell",
        "removal_check",
        "record.directory",
        "record.label",
        "record.retention.attempts_with_frames",
        "continuous.failure_cap",
        "drift.expected",
        "drift.limit",
        "permission.deadman_timeout",
        "simulation.scene",
        "simulation.hardness",
        "simulation.objects",
        "simulation.seed",
        "simulation.real_time_factor",
        "simulation.camera_rate",
        "simulation.film_path",
        "mock_hardware",
    )

    cell: FilePath = ""
    affordance_node: str = "affordance_node"
    candidates: int = 10
    answer_timeout: float = 10.0
    stop_timeout: float = 5.0
    removal_check: bool = True
    mock_hardware: bool = False
    record: RecordConfig = field(default_factory=RecordConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    continuous: ContinuousConfig = field(default_factory=ContinuousConfig)
    drift: DriftConfig = field(default_factory=DriftConfig)
    permission: PermissionConfig = field(default_factory=PermissionConfig)
    simulation: SimulationConfig = field(default_factory=SimulationConfig)

    def __post_init__(self) -> None:
        if self.candidates < 1 or min(self.answer_timeout, self.stop_timeout) <= 0:
            raise ConfigError("candidates, answer_timeout and stop_timeout must be positive")
