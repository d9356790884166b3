"""Drives a cell: picks on demand and continuously, and publishes a record of each attempt.

Subscribes (relative names): the camera's topics, as affordance_node does
Publishes: ~/pick_result, ~/state and ~/plan (latched), /diagnostics; with the simulated cell its
    camera and joint_states
Serves: ~/pick (action), ~/start, ~/stop, ~/pause, ~/new_bin, ~/new_container;
    with the simulated cell ~/refill, ~/camera_power
Calls: affordance_node/get_suction_points
"""

import sys

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup

from grasp_affordance.annotation.removal_check import DepthRemovalCheck
from grasp_affordance.attempt import Cause
from grasp_affordance.cell_file import required_cell
from grasp_affordance.errors import CellError
from grasp_affordance.execution.picker import Picker
from grasp_affordance.ros.common.cell_configs import (
    camera_pose_config,
    frame_source_config,
    pick_config,
)
from grasp_affordance.ros.common.client import Client
from grasp_affordance.ros.common.diagnostics import ERROR, OK, WARN
from grasp_affordance.ros.common.frame_source import FrameSource
from grasp_affordance.ros.common.freshness import NodeClock, steady_clock
from grasp_affordance.ros.common.node import ManagedNode
from grasp_affordance.ros.common.spin import run
from grasp_affordance.ros.common.transforms import CameraPose
from grasp_affordance.ros.executor.cells import Driver, make_cell
from grasp_affordance.ros.executor.continuous_services import ContinuousServices
from grasp_affordance.ros.executor.executor_config import ExecutorNodeConfig
from grasp_affordance.ros.executor.permission import Permission
from grasp_affordance.ros.executor.pick_action import PickAction
from grasp_affordance.ros.executor.pick_record import PickRecord
from grasp_affordance.ros.executor.pick_session import DriftWatch, PickSession
from grasp_affordance.ros.executor.plan_view import PlanView
from grasp_affordance.ros.executor.suction_client import SuctionClient
from grasp_affordance.ros.executor.topic_camera import CameraWatch, TopicCamera


class ExecutorNode(ManagedNode[ExecutorNodeConfig]):
    """Wires a cell, the affordance node's answers, the action and the services.

    Attributes:
        described: the cell, as its file describes it; from configure on.
        driver: the connected cell; from configure to cleanup.
    """

    def __init__(self, config: ExecutorNodeConfig | None = None, **options: object) -> None:
        super().__init__("executor_node", config or ExecutorNodeConfig(), **options)

    def setup(self) -> None:
        """Connect the cell and offer action and services; nothing moves yet."""
        config = self.config
        described = self.described = required_cell(config.cell)
        base, patience = described.base_frame_id, config.stop_timeout
        # Answers and poses must arrive while any other callback waits for them.
        together = ReentrantCallbackGroup()
        pose = CameraPose(
            self,
            camera_pose_config(described),
            described.camera.topics,
            callback_group=together,
        )
        self.resources.callback(pose.close)
        frames = FrameSource(self, frame_source_config(described))
        self.resources.callback(frames.close)
        camera = self._camera = TopicCamera(frames, pose)
        self.driver = self.connect(camera)
        self.resources.callback(self.driver.close)
        cell, activity = self.driver.cell, self.driver.activity
        self._time = NodeClock(self)
        self.resources.callback(self._time.close)
        client = Client(self, activity.check, callback_group=together)
        propose = self._propose = SuctionClient(
            client,
            cell,
            camera,
            config.affordance_node,
            base,
            config.candidates,
            config.answer_timeout,
        )
        check_removal = DepthRemovalCheck(bin=cell.bin) if config.removal_check else None
        plan = PlanView(self, base)
        picker = Picker(
            cell,
            propose,
            pick_config(described),
            config.memory,
            check_removal,
            plan.note,
            propose.ahead,
        )
        self._record = PickRecord(config.record, cell, described)
        self.resources.callback(self._record.close)
        self._drift = DriftWatch(config.drift, self.diagnostics)
        session = PickSession(self, picker, activity, base, self._record, self._drift)
        may = self._may = Permission(
            self, config.permission, activity, self._blocking_reason, patience
        )
        services = ContinuousServices(
            self,
            session,
            config.continuous,
            may.blocking_reason,
            patience,
            propose.why_not_ready,
        )
        action = PickAction(self, session, may.blocking_reason, patience, plan)
        watch = CameraWatch(self, camera, activity, patience)
        for part in (propose, plan, session, may, services, action, watch):
            self.resources.callback(part.close)
        alone = MutuallyExclusiveCallbackGroup()  # it asks the affordance node, and waits
        timer = self.create_timer(1.0, self._diagnose, clock=steady_clock(), callback_group=alone)
        self.resources.callback(self.destroy_timer, timer)

    def connect(self, camera: TopicCamera) -> Driver:
        """Connect the cell that is described."""
        return make_cell(self, self.described, self.config, camera)

    def start(self) -> None:
        """Open the attempt log; a folder of another setup is refused here."""
        self._announced = False
        self._record.open()

    def _blocking_reason(self) -> str:
        return (
            self.why_inactive()
            or self._time.problem()
            or self._record.blocking_reason()
            or self._drift.blocking_reason()
        )

    def _diagnose(self) -> None:
        problem, blind = self.driver.problem(), ""
        level = ERROR if problem else OK
        self.diagnostics.set("cell", level, problem or "connected", self.driver.facts())
        if self.active:  # before that the camera may still be starting
            blind = self._camera.problem()
            self.diagnostics.set("camera", ERROR if blind else OK, blind or "frames arrive")
        refused = self._may.blocking_reason()
        self.diagnostics.set("permission", WARN if refused else OK, refused or "may move")
        busy = self.driver.activity.busy
        if self.active and not (self._announced or busy or problem or blind or refused):
            self._announce()

    def _announce(self) -> None:
        """Say once how picking begins, as soon as it can."""
        if self._propose.why_not_ready(0.5):
            return
        self._announced = True
        name = self.get_fully_qualified_name()
        self.get_logger().info(
            f"ready: `ros2 service call {name}/start std_srvs/srv/Trigger` picks until the bin is "
            f"empty, `ros2 service call {name}/stop std_srvs/srv/Trigger` stops the arm"
        )

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
