"""Which cell the executor drives."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from rclpy.node import Node

from grasp_affordance.cell import Cell
from grasp_affordance.execution.activity import Activity
from grasp_affordance.ros.common.transforms import CameraPoseConfig
from grasp_affordance.ros.executor.topic_camera import TopicCamera

if TYPE_CHECKING:
    from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import GazeboGripperConfig
    from grasp_affordance.ros.drivers.mujoco.cell import MujocoConfig
    from grasp_affordance.ros.drivers.ur.cell import UrConfig


class CellKind(StrEnum):
    """The cells that there are."""

    MUJOCO = "mujoco"
    UR = "ur"
    GAZEBO = "gazebo"


class Driver(Protocol):
    """A cell that is connected, and who may move its arm."""

    cell: Cell
    activity: Activity

    def problem(self) -> str:
        """Return why the arm cannot move; empty when it can."""

    def facts(self) -> Mapping[str, object]:
        """Return what diagnostics show beside the problem."""

    def close(self) -> None:
        """Disconnect."""


class CellConfigs(Protocol):
    """The part of the executor's configuration that the cells need."""

    @property
    def camera_pose(self) -> CameraPoseConfig:
        """Names the base frame."""

    @property
    def mujoco(self) -> "MujocoConfig":
        """The simulated cell."""

    @property
    def ur(self) -> "UrConfig":
        """The physical cell; its arm and planner in Gazebo too."""

    @property
    def gazebo(self) -> "GazeboGripperConfig":
        """The vacuum in Gazebo."""


def make_cell(kind: CellKind, node: Node, config: CellConfigs, camera: TopicCamera) -> Driver:
    """Connect a cell; only the libraries of that cell are loaded.

    Args:
        kind: which.
        node: on which its topics and services are made.
        config: of all kinds of cell.
        camera: the camera's topics.

    Raises:
        CellError, ConfigError: it cannot be connected.
    """
    match kind:
        case CellKind.MUJOCO:
            from grasp_affordance.ros.drivers.mujoco.cell import MujocoDriver

            return MujocoDriver(node, config.mujoco, camera, config.camera_pose.base_frame_id)
        case CellKind.UR:
            from grasp_affordance.ros.drivers.ur.cell import UrDriver

            return UrDriver(node, config.ur, camera, config.camera_pose.base_frame_id)
        case CellKind.GAZEBO:
            from grasp_affordance.ros.drivers.gazebo.cell import GazeboDriver

            base = config.camera_pose.base_frame_id
            return GazeboDriver(node, config.ur, config.gazebo, camera, base)
