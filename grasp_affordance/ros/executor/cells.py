"""Connects the cell that its description names."""

from collections.abc import Mapping
from typing import Protocol

from rclpy.node import Node

from grasp_affordance.cell import Cell
from grasp_affordance.cell_description import CellDescription, CellKind
from grasp_affordance.execution.activity import Activity
from grasp_affordance.ros.executor.executor_config import ExecutorNodeConfig
from grasp_affordance.ros.executor.topic_camera import TopicCamera


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


def make_cell(
    node: Node, cell: CellDescription, config: ExecutorNodeConfig, camera: TopicCamera
) -> Driver:
    """Connect a cell; only the libraries of its kind are loaded.

    Args:
        node: on which its topics and services are made.
        cell: its description.
        config: of the executor, with what a simulated cell plays.
        camera: the camera's topics.

    Raises:
        CellError, ConfigError: it cannot be connected.
    """
    base = cell.base_frame_id
    match cell.arm.kind:
        case CellKind.MUJOCO:
            from grasp_affordance.ros.drivers.mujoco.cell import MujocoDriver, mujoco_config

            return MujocoDriver(node, mujoco_config(cell, config.simulation), camera, base)
        case CellKind.UR:
            from grasp_affordance.ros.common.cell_configs import ur_config
            from grasp_affordance.ros.drivers.ur.cell import UrDriver

            return UrDriver(node, ur_config(cell, config.mock_hardware), camera, base)
        case CellKind.GAZEBO:
            from grasp_affordance.ros.common.cell_configs import gazebo_gripper_config, ur_config
            from grasp_affordance.ros.drivers.gazebo.cell import GazeboDriver

            gripper = gazebo_gripper_config(cell)
            return GazeboDriver(node, ur_config(cell), gripper, camera, base)
