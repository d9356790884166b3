"""The executor's parameters: which cell, and how it picks."""

from dataclasses import dataclass, field
from typing import ClassVar

from grasp_affordance.calibration.drift import DriftConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.execution import PickConfig
from grasp_affordance.execution.continuous import ContinuousConfig
from grasp_affordance.execution.picker import MemoryConfig
from grasp_affordance.ros.common.frame_source import FrameSourceConfig
from grasp_affordance.ros.common.transforms import CameraPoseConfig
from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import GazeboGripperConfig
from grasp_affordance.ros.drivers.mujoco.cell import MujocoConfig
from grasp_affordance.ros.drivers.ur.cell import UrConfig
from grasp_affordance.ros.executor.cells import CellKind
from grasp_affordance.ros.executor.permission import PermissionConfig
from grasp_affordance.ros.executor.pick_record import RecordConfig


@dataclass(frozen=True)
class ExecutorNodeConfig:
    """Which cell, and how it picks.

    Attributes:
        cell: which arm, gripper and camera.
        affordance_node: name of the node that says where to pick.
        candidates: points asked for; the first that may be picked is.
        answer_timeout: how long to wait for them, seconds.
        stop_timeout: how long the arm may take to come to rest, seconds.
        removal_check: compare the views before and after each pick; what contradicts the pressure
            is uncertain and no label.
        record: what is kept of each attempt; a trainer learns from nothing else.
        pick: how a pick moves.
        memory: of points that just failed.
        continuous: when continuous picking gives up.
        frames: the camera's topics; one that is silent for longer than max_age stops the arm.
        camera_pose: where the camera is in the base frame.
        drift: of contact heights, from which the calibration is in doubt and picking stops.
        permission: who may pause it.
        mujoco: the simulated cell.
        ur: the physical cell; its arm and planner in Gazebo too.
        gazebo: the vacuum in Gazebo.
    """

    PARAMETERS: ClassVar[tuple[str, ...]] = (
        "removal_check",
        "record.directory",
        "record.label",
        "record.retention.attempts_with_frames",
        "continuous.failure_cap",
        "drift.expected",
        "drift.limit",
        "permission.deadman_timeout",
        "mujoco.camera_rate",
        "mujoco.sim.scene",
        "mujoco.sim.hardness",
        "mujoco.sim.objects",
        "mujoco.sim.seed",
        "mujoco.sim.real_time_factor",
        "mujoco.film_path",
        "ur.mock_hardware",
        "ur.status.joint_timeout",
        "ur.vacuum.reading_timeout",
        "ur.vacuum.stuck_readings",
        # Of the cell.
        "cell",
        "pick.along_normal",
        "pick.clearance",
        "pick.overshoot",
        "pick.place",
        "pick.lower",
        "frames.camera",
        "frames.max_age",
        "frames.timeout",
        "camera_pose.base_frame_id",
        "camera_pose.pose",
        "camera_pose.calibration",
        "ur.gripper",
        "ur.bin",
        "ur.cup",
        "ur.arm.home",
        "ur.arm.speed",
        "ur.arm.linear_speed",
        "ur.arm.contact_speed",
        "ur.arm.contact.signs",
        "ur.arm.contact.force",
        "ur.arm.contact.force_topic",
        "ur.arm.workspace",
        "ur.arm.joints.lowest",
        "ur.arm.joints.highest",
        "ur.moveit.ur_type",
        "ur.moveit.tool",
        "ur.moveit.tool_radius",
        "ur.moveit.tool_free",
        "ur.moveit.tool_link",
        "ur.moveit.use_sim_time",
        "ur.moveit.obstacles",
        "ur.io.vacuum_pin",
        "ur.io.blow_off_pin",
        "ur.io.sensor.sensing",
        "ur.io.sensor.pin",
        "ur.io.sensor.low",
        "ur.io.sensor.high",
        "ur.io.sensor.low_vacuum",
        "ur.io.sensor.high_vacuum",
        "ur.io.sensor.inverted",
        "ur.service_gripper.switch",
        "ur.service_gripper.switch_name",
        "ur.service_gripper.signal",
        "ur.service_gripper.signal_name",
        "ur.vacuum.sealed",
    )

    cell: CellKind = CellKind.MUJOCO
    affordance_node: str = "affordance_node"
    candidates: int = 10
    answer_timeout: float = 10.0
    stop_timeout: float = 5.0
    removal_check: bool = True
    record: RecordConfig = field(default_factory=RecordConfig)
    pick: PickConfig = field(default_factory=PickConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    continuous: ContinuousConfig = field(default_factory=ContinuousConfig)
    frames: FrameSourceConfig = field(default_factory=lambda: FrameSourceConfig(max_age=2.0))
    camera_pose: CameraPoseConfig = field(default_factory=CameraPoseConfig)
    drift: DriftConfig = field(default_factory=DriftConfig)
    permission: PermissionConfig = field(default_factory=PermissionConfig)
    mujoco: MujocoConfig = field(default_factory=MujocoConfig)
    ur: UrConfig = field(default_factory=UrConfig)
    gazebo: GazeboGripperConfig = field(default_factory=GazeboGripperConfig)

    def __post_init__(self) -> None:
        if self.candidates < 1 or min(self.answer_timeout, self.stop_timeout) <= 0:
            raise ConfigError("candidates, answer_timeout and stop_timeout must be positive")
        if self.frames.max_age == 0:
            raise ConfigError("frames.max_age 0 would never notice the loss of the camera")
