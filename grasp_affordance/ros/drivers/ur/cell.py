"""The physical cell: a UR arm behind MoveIt, a vacuum gripper, the camera's topics."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from rclpy.node import Node

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cell, Cup
from grasp_affordance.cell_description import ContactSign, GripperKind, Sensing
from grasp_affordance.cell_description import Signal as GripperSignal
from grasp_affordance.errors import ConfigError
from grasp_affordance.execution.activity import Activity
from grasp_affordance.ros.common.freshness import NodeClock
from grasp_affordance.ros.drivers.arm.arm_config import ArmConfig
from grasp_affordance.ros.drivers.arm.joint_feedback import JointFeedback
from grasp_affordance.ros.drivers.arm.planner import Planner
from grasp_affordance.ros.drivers.arm.trajectory_action import TrajectoryAction
from grasp_affordance.ros.drivers.arm.trajectory_arm import TellLoad, TrajectoryArm
from grasp_affordance.ros.drivers.gripper.service_gripper import (
    ServiceGripper,
    ServiceGripperConfig,
)
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import (
    VacuumConfig,
    VacuumGripper,
    VacuumSystem,
)
from grasp_affordance.ros.drivers.moveit.moveit_config import MoveItConfig
from grasp_affordance.ros.drivers.ur.ur_feedback import ForceTopic, UrFeedback
from grasp_affordance.ros.drivers.ur.ur_io import UrIo, UrIoConfig
from grasp_affordance.ros.drivers.ur.ur_payload import UrPayload, UrPayloadConfig
from grasp_affordance.ros.drivers.ur.ur_status import StatusConfig, UrStatus
from grasp_affordance.ros.executor.topic_camera import TopicCamera


@dataclass(frozen=True)
class UrConfig:
    """The physical cell.

    Attributes:
        speed_topic: speed scaling of the driver, in percent.
        mock_hardware: the driver has no robot (use_mock_hardware): it reports no modes, so the arm
            counts as running while its joint states come. There is no vacuum: dry runs and motions
            work, a pick ends as aborted.
        gripper: what the vacuum hangs on.
        bin: where it stands; None where it has to be found.
        cup: the suction cup.
        arm: how it moves.
        status: when the driver counts as lost.
        moveit: how motions are planned.
        io: wiring of a gripper on the robot's outputs.
        service_gripper: names of a gripper with its own interface.
        vacuum: when the cup counts as sealed.
        payload: what the robot is told to balance.
    """

    speed_topic: str = "speed_scaling_state_broadcaster/speed_scaling"
    mock_hardware: bool = False
    gripper: GripperKind = GripperKind.UR_IO
    bin: BinGeometry | None = field(default_factory=BinGeometry)
    cup: Cup = field(default_factory=Cup)
    arm: ArmConfig = field(default_factory=ArmConfig)
    status: StatusConfig = field(default_factory=StatusConfig)
    moveit: MoveItConfig = field(default_factory=MoveItConfig)
    io: UrIoConfig = field(default_factory=UrIoConfig)
    service_gripper: ServiceGripperConfig = field(default_factory=ServiceGripperConfig)
    vacuum: VacuumConfig = field(default_factory=VacuumConfig)
    payload: UrPayloadConfig = field(default_factory=UrPayloadConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gripper", GripperKind(self.gripper))
        if self._switches and self.vacuum.stuck_readings:
            raise ConfigError(
                "vacuum.stuck_readings must be 0 with a sensor that is a switch: its readings are "
                "always equal"
            )

    @property
    def _switches(self) -> bool:
        """Whether the sensor knows two values only."""
        if self.gripper is GripperKind.UR_IO:
            return self.io.sensor.sensing is Sensing.DIGITAL
        return self.service_gripper.signal is GripperSignal.HOLDING


CreatePlanner = Callable[[UrConfig, str], Planner]


def moveit_planner(config: UrConfig, base_frame_id: str) -> Planner:
    """Start MoveIt; raises ConfigError where it is not installed."""
    from grasp_affordance.ros.drivers.moveit.moveit_planner import MoveItPlanner

    return MoveItPlanner(config.moveit, base_frame_id, config.bin)


class UrDriver:
    """Connects the parts of the physical cell.

    Attributes:
        cell: see `Cell`.
        activity: who may move the arm.
        status: what the robot says of itself.
    """

    def __init__(
        self,
        node: Node,
        config: UrConfig,
        camera: TopicCamera,
        base_frame_id: str,
        create_planner: CreatePlanner = moveit_planner,
    ) -> None:
        """Connect; nothing moves.

        Raises:
            ConfigError: a ROS package that this cell needs is not installed.
        """
        self._open = ExitStack()
        node_clock = NodeClock(node)
        self._open.callback(node_clock.close)
        clock = self._clock = node_clock.seconds
        self.status = UrStatus(config.status, clock)
        try:
            self.gripper = VacuumGripper(self._system(node, config), config.vacuum, clock)
            self._watch_status(node, config)
            arm_config = config.arm
            names = config.moveit.joint_names
            joints = JointFeedback(
                node, names, arm_config.joint_states, self.status.note_joints, clock
            )
            self._open.callback(joints.close)
            action = TrajectoryAction(
                node, arm_config.action, arm_config.goal_tolerance, arm_config.goal_time
            )
            self._open.callback(action.close)
            planner = create_planner(config, base_frame_id)
            self._open.callback(planner.close)
            signals = {ContactSign.VACUUM: self.gripper.vacuum}
            if ContactSign.FORCE in arm_config.contact.signs:
                contact = arm_config.contact
                force = ForceTopic(node, contact.force_topic, contact.force_timeout, clock)
                self._open.callback(force.close)
                signals[ContactSign.FORCE] = force.magnitude
            self.arm = TrajectoryArm(
                arm_config,
                planner,
                action,
                joints,
                self.status,
                signals,
                clock,
                self._payload(node, config),
            )
        except BaseException:
            self._open.close()
            raise
        now = node.get_clock().now
        self.cell = Cell(
            self.arm,
            self.gripper,
            camera,
            config.bin,
            config.cup,
            clock=clock,
            now_ns=lambda: int(now().nanoseconds),
        )
        self.activity = Activity(self.arm)

    def problem(self) -> str:
        """Return why the arm cannot move, for diagnostics and watchdogs; empty when all is well."""
        problem = self.status.problem()
        return "" if problem is None else str(problem)

    def facts(self) -> dict[str, object]:
        """Return what a person wants to see beside the problem."""
        return {"speed_scaling": round(self.status.speed_scaling, 3)}

    def close(self) -> None:
        """Disconnect; whoever moves the arm has been stopped before."""
        self._open.close()

    def _watch_status(self, node: Node, config: UrConfig) -> None:
        """Keep `status` up to date."""
        if config.mock_hardware:
            node.get_logger().warning("mock hardware: no robot moves, and nothing can be picked")
            self.status.take_for_running()
            return
        feedback = UrFeedback(node, self.status, config.io.controller, config.speed_topic)
        self._open.callback(feedback.close)

    def _payload(self, node: Node, config: UrConfig) -> TellLoad | None:
        """Return what tells the robot of a load; None where there is nobody to be told."""
        if config.mock_hardware:
            return None
        if config.payload.mass == 0:
            node.get_logger().warning(
                "tool.mass is 0: the robot is not told what it carries, the payload of its pendant "
                "holds; set tool.mass and pick.load_mass of the cell"
            )
            return None
        payload = UrPayload(node, config.payload)
        self._open.callback(payload.close)
        return payload.tell

    def _system(self, node: Node, config: UrConfig) -> VacuumSystem:
        system = (
            UrIo(node, config.io, self._clock)
            if config.gripper is GripperKind.UR_IO
            else ServiceGripper(node, config.service_gripper, self._clock)
        )
        self._open.callback(system.close)
        return system
