"""The cell in Gazebo: the physical cell's arm and planner, with Gazebo's own vacuum."""

from rclpy.node import Node

from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import GazeboGripper, GazeboGripperConfig
from grasp_affordance.ros.drivers.gripper.vacuum_gripper import VacuumSystem
from grasp_affordance.ros.drivers.ur.cell import CreatePlanner, UrConfig, UrDriver, moveit_planner
from grasp_affordance.ros.executor.topic_camera import TopicCamera


class GazeboDriver(UrDriver):
    """`UrDriver` without a robot controller: ros2_control moves the arm in the physics."""

    def __init__(
        self,
        node: Node,
        config: UrConfig,
        gripper: GazeboGripperConfig,
        camera: TopicCamera,
        base_frame_id: str,
        create_planner: CreatePlanner = moveit_planner,
    ) -> None:
        """Connect; see `UrDriver`."""
        self._gripper_config = gripper
        super().__init__(node, config, camera, base_frame_id, create_planner)

    def _watch_status(self, node: Node, config: UrConfig) -> None:  # noqa: ARG002
        """Take the arm for running: Gazebo has no pendant. Silent joint states still count."""
        self.status.take_for_running()

    def _payload(self, node: Node, config: UrConfig) -> None:
        """Tell nobody: Gazebo's controllers know no payload."""

    def _system(self, node: Node, config: UrConfig) -> VacuumSystem:
        system = GazeboGripper(node, self._gripper_config, config.cup)
        self._open.callback(system.close)
        return system
