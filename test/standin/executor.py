"""The physical executor with the FakePlanner: everything but MoveIt is what drives a real UR5."""

import sys
from collections.abc import Callable
from typing import Any

from grasp_affordance.ros.common.cell_configs import ur_config
from grasp_affordance.ros.common.spin import run
from grasp_affordance.ros.drivers.arm.planner import Planner
from grasp_affordance.ros.drivers.ur.cell import UrConfig, UrDriver
from grasp_affordance.ros.executor.cells import Driver
from grasp_affordance.ros.executor.executor_node import ExecutorNode
from grasp_affordance.ros.executor.topic_camera import TopicCamera
from standin.fake_planner import FakePlanner


class StandinExecutorNode(ExecutorNode):
    """Drives the UR cell's interfaces; only its planner knows no obstacles.

    Args:
        driving: changes how the cell is driven, for instance patience on a busy machine.

    Attributes:
        planner: of the connected cell.
    """

    planner: FakePlanner

    def __init__(
        self, driving: Callable[[UrConfig], UrConfig] = lambda config: config, **options: Any
    ) -> None:
        super().__init__(**options)
        self._driving = driving

    def connect(self, camera: TopicCamera) -> Driver:
        """Connect the UR cell whatever kind of arm is described."""

        def create(config: UrConfig, _: str) -> Planner:
            self.planner = FakePlanner(config.moveit.joint_names)
            return self.planner

        described = self.described
        config = self._driving(ur_config(described, self.config.mock_hardware))
        self.get_logger().warning("the UR cell with the FakePlanner: no obstacles are known")
        return UrDriver(self, config, camera, described.base_frame_id, create)


def main() -> int:
    """Run the executor for the stand-in."""
    return run(StandinExecutorNode)


if __name__ == "__main__":
    sys.exit(main())
