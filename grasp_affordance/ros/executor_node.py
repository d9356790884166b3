"""Drives a cell: picks on demand and continuously, and publishes a record of each attempt.

Subscribes (relative names): the camera's topics, as affordance_node does
Publishes: ~/pick_result, ~/state (latched), /diagnostics; with the simulated cell its camera
Serves: ~/pick (action), ~/start, ~/stop, ~/pause; with the simulated cell ~/refill, ~/camera_power
Calls: affordance_node/get_suction_points
"""

import sys
from dataclasses import dataclass, field

from rclpy.callback_groups import ReentrantCallbackGroup

from grasp_affordance.errors import CellError, ConfigError
from grasp_affordance.execution import PickConfig
from grasp_affordance.execution.continuous import ContinuousConfig
from grasp_affordance.execution.picker import MemoryConfig, Picker
from grasp_affordance.grasp import Cause
from grasp_affordance.ros.camera_watch import CameraWatch
from grasp_affordance.ros.cells import CellKind, Driver, make_cell
from grasp_affordance.ros.client import Client
from grasp_affordance.ros.continuous_services import ContinuousServices
from grasp_affordance.ros.diagnostics import ERROR, OK
from grasp_affordance.ros.drivers.mujoco import MujocoConfig
from grasp_affordance.ros.drivers.ur import UrConfig
from grasp_affordance.ros.frame_source import FrameSource, FrameSourceConfig
from grasp_affordance.ros.node import ManagedNode
from grasp_affordance.ros.permission import Permission, PermissionConfig
from grasp_affordance.ros.pick_action import PickAction
from grasp_affordance.ros.pick_session import PickSession
from grasp_affordance.ros.spin import run
from grasp_affordance.ros.suction_client import SuctionClient
from grasp_affordance.ros.topic_camera import TopicCamera
from grasp_affordance.ros.transforms import CameraPose, CameraPoseConfig


@dataclass(frozen=True)
class ExecutorNodeConfig:
    """Which cell, and how it picks.

    Attributes:
        cell: which arm, gripper and camera.
        affordance_node: name of the node that says where to pick.
        candidates: points asked for; the first that may be picked is.
        answer_timeout: how long to wait for them, seconds.
        stop_timeout: how long the arm may take to come to rest, seconds.
        pick: how a pick moves.
        memory: of points that just failed.
        continuous: when continuous picking gives up.
        frames: the camera's topics; one that is silent for longer than max_age stops the arm.
        camera_pose: where the camera is in the base frame.
        permission: who may pause it.
        mujoco: the simulated cell.
        ur: the physical cell.
    """

    cell: CellKind = CellKind.MUJOCO
    affordance_node: str = "affordance_node"
    candidates: int = 10
    answer_timeout: float = 10.0
    stop_timeout: float = 5.0
    pick: PickConfig = field(default_factory=PickConfig)
    memory: MemoryConfig = field(default_factory=MemoryConfig)
    continuous: ContinuousConfig = field(default_factory=ContinuousConfig)
    frames: FrameSourceConfig = field(default_factory=lambda: FrameSourceConfig(max_age=2.0))
    camera_pose: CameraPoseConfig = field(default_factory=CameraPoseConfig)
    permission: PermissionConfig = field(default_factory=PermissionConfig)
    mujoco: MujocoConfig = field(default_factory=MujocoConfig)
    ur: UrConfig = field(default_factory=UrConfig)

    def __post_init__(self) -> None:
        if self.candidates < 1 or min(self.answer_timeout, self.stop_timeout) <= 0:
            raise ConfigError("candidates, answer_timeout and stop_timeout must be positive")
        if self.frames.max_age == 0:
            raise ConfigError("frames.max_age 0 would never notice the loss of the camera")


class ExecutorNode(ManagedNode[ExecutorNodeConfig]):
    """Wires a cell, the affordance node's answers, the action and the services.

    Attributes:
        driver: the connected cell; from configure to cleanup.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("executor_node", ExecutorNodeConfig(), **options)

    def setup(self) -> None:
        """Connect the cell and offer action and services; nothing moves yet."""
        config = self.config
        base, patience = config.camera_pose.base_frame_id, config.stop_timeout
        # Answers and poses must arrive while any other callback waits for them.
        together = ReentrantCallbackGroup()
        pose = CameraPose(self, config.camera_pose, config.frames.camera, callback_group=together)
        self.resources.callback(pose.close)
        frames = FrameSource(self, config.frames)
        self.resources.callback(frames.close)
        camera = TopicCamera(frames, pose)
        self.driver = self.connect(camera)
        self.resources.callback(self.driver.close)
        cell, activity = self.driver.cell, self.driver.activity
        client = Client(self, activity.check, callback_group=together)
        propose = SuctionClient(
            client,
            cell,
            camera,
            config.affordance_node,
            config.candidates,
            config.answer_timeout,
        )
        picker = Picker(cell, propose, config.pick, config.memory)
        session = PickSession(self, picker, activity, base)
        may = Permission(self, config.permission, activity, self.why_inactive, patience)
        services = ContinuousServices(self, session, config.continuous, may.why_not, patience)
        action = PickAction(self, session, may.why_not, patience)
        watch = CameraWatch(self, camera, activity, patience)
        for part in (session, may, services, action, watch):
            self.resources.callback(part.close)
        timer = self.create_timer(1.0, self._diagnose)
        self.resources.callback(self.destroy_timer, timer)

    def connect(self, camera: TopicCamera) -> Driver:
        """Connect the cell that the parameters name."""
        return make_cell(self.config.cell, self, self.config, camera)

    def _diagnose(self) -> None:
        problem = self.driver.problem()
        self.diagnostics.set("cell", ERROR if problem else OK, problem or "connected")

    def stop(self) -> None:
        """Stop the arm and wait until it is at rest.

        Raises:
            CellError: it is not; the emergency stop is next.
        """
        patience = self.config.stop_timeout
        if not self.driver.activity.stop(Cause.CANCELLED, "the node is deactivated", patience):
            raise CellError(f"the arm is not at rest after {patience:.0f} s: emergency stop")


def main() -> int:
    """Run the executor node."""
    return run(ExecutorNode)


if __name__ == "__main__":
    sys.exit(main())
