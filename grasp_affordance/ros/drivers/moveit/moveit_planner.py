"""`Planner` over moveit_py: Pilz LIN for lines, PTP for free motions, OMPL where PTP would collide.

MoveIt only plans here. Its trajectories are executed by `TrajectoryArm`, which watches the robot
while they run and knows why one ended.
"""

import copy
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from geometry_msgs.msg import Pose, PoseStamped
from shape_msgs.msg import SolidPrimitive

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load
from grasp_affordance.errors import CellError, UnreachableError
from grasp_affordance.geometry import from_quaternion, invert
from grasp_affordance.ros.common.conversions import to_point_msg, to_quaternion_msg
from grasp_affordance.ros.drivers.arm.trajectory import JointTrajectory
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.moveit.moveit_config import (
    OMPL,
    PILZ,
    MoveItConfig,
    moveit_parameters,
)
from grasp_affordance.ros.drivers.moveit.moveit_errors import planning_error
from grasp_affordance.ros.drivers.moveit.obstacles import (
    Box,
    Rod,
    bin_walls,
    load_rod,
    obstacles,
    tool_rod,
)

_log = logging.getLogger(__name__)

_TOOL, _LOAD = "vacuum_tool", "load"  # in MoveIt's scene
_FREE = ((PILZ, "PTP"), (OMPL, ""))  # tried in this order; OMPL with its default planner


class MoveItPlanner:
    """Plans for one group of one robot, with the cell's obstacles in MoveIt's scene."""

    def __init__(self, config: MoveItConfig, base_frame_id: str, box: BinGeometry | None) -> None:
        """Start MoveIt in this process and show it the cell.

        Args:
            box: the bin; None until it has been found.

        Raises:
            ConfigError: moveit_py or the robot's MoveIt package is not installed.
        """
        planning = require("moveit.planning", "moveit_py", "motion planning")
        self._config, self._base = config, base_frame_id
        self.joint_names = config.joint_names
        self._T_tip_tool = from_quaternion(config.tool[:3], config.tool[3:])
        self._parameters_type: Any = planning.PlanRequestParameters
        self._moveit: Any = planning.MoveItPy(
            node_name="grasp_affordance_moveit", config_dict=moveit_parameters(config)
        )
        self._group: Any = self._moveit.get_planning_component(config.group)
        self._lock = threading.Lock()
        links = (config.tip_link, config.mount_link, config.tool_link)
        self._touched = [link for link in links if link]
        self._show(obstacles(config.obstacles))
        if box is not None:
            self.set_bin(box)
        rod = tool_rod(np.array(config.tool[:3]), config.tool_radius, config.tool_free)
        if rod is not None:
            monitor = self._moveit.get_planning_scene_monitor()
            monitor.process_attached_collision_object(
                to_attached_object(_TOOL, rod, config.tip_link, self._touched)
            )

    def tool_pose(self, joints: Array) -> Array:
        """See `Planner`."""
        state = self._state(joints)
        T_base_tip = invert(self._T_root_base(state)) @ state.get_global_link_transform(
            self._config.tip_link
        )
        return np.asarray(T_base_tip @ self._T_tip_tool, dtype=np.float64)

    def check_reachable(self, T_base_tool: Array, near: Array, load: Load | None = None) -> None:
        """See `Planner`: inverse kinematics, then a look for collisions."""
        with self._carrying(load):
            self._check_reachable(T_base_tool, near)

    def _check_reachable(self, T_base_tool: Array, near: Array) -> None:
        config = self._config
        state = self._state(near)
        T_root_tip = self._T_root_base(state) @ T_base_tool @ invert(self._T_tip_tool)
        pose = _pose(T_root_tip)
        found = state.set_from_ik(config.group, pose, config.tip_link, config.ik_timeout)
        what = f"the pose at {_place(T_base_tool)}"
        if not found:
            raise planning_error(-31, what)
        state.update()
        with self._moveit.get_planning_scene_monitor().read_only() as scene:
            if scene.is_state_colliding(state, config.group, False):
                raise planning_error(-12, what)

    def plan_linear(self, start: Array, T_base_tool: Array, speed: float) -> JointTrajectory:
        """See `Planner`."""
        share = min(1.0, speed / self._config.full_linear_speed)
        what = f"the straight line to {_place(T_base_tool)}"
        return self._plan(start, {"pose": self._goal(T_base_tool)}, (PILZ, "LIN"), share, what)

    def plan_free(
        self, start: Array, T_base_tool: Array, share: float, load: Load | None = None
    ) -> JointTrajectory:
        """See `Planner`."""
        what = f"the free motion to {_place(T_base_tool)}"
        with self._carrying(load):
            return self._first(start, {"pose": self._goal(T_base_tool)}, share, what)

    def plan_joints(self, start: Array, goal: Array, share: float) -> JointTrajectory:
        """See `Planner`."""
        return self._first(start, {"state": self._state(goal)}, share, "the motion home")

    def set_bin(self, box: BinGeometry) -> None:
        """See `Planner`; what has the name of an earlier wall takes its place."""
        self._show(bin_walls(box, self._config.obstacles.wall))

    def close(self) -> None:
        """End MoveIt's node."""
        self._moveit.shutdown()

    def _first(
        self, start: Array, goal: dict[str, Any], share: float, what: str
    ) -> JointTrajectory:
        """Return the first planner's motion; the last one's error when none finds one."""
        *early, last = _FREE
        for planner in early:
            try:
                return self._plan(start, goal, planner, share, what)
            except UnreachableError as error:
                _log.info("%s; trying the next planner", error)
        return self._plan(start, goal, last, share, what)

    def _plan(
        self,
        start: Array,
        goal: dict[str, Any],
        planner: tuple[str, str],
        share: float,
        what: str,
    ) -> JointTrajectory:
        config = self._config
        with self._lock:
            parameters = self._parameters_type(self._moveit, "")
            parameters.planning_pipeline, parameters.planner_id = planner
            parameters.planning_time = config.planning_time
            parameters.planning_attempts = config.attempts
            parameters.max_velocity_scaling_factor = share
            parameters.max_acceleration_scaling_factor = config.acceleration
            self._group.set_start_state(robot_state=self._state(start))
            if "pose" in goal:
                self._group.set_goal_state(pose_stamped_msg=goal["pose"], pose_link=config.tip_link)
            else:
                self._group.set_goal_state(robot_state=goal["state"])
            answer = self._group.plan(single_plan_parameters=parameters)
        if not answer:
            raise self._error(answer.error_code, f"{what} ({planner[1] or planner[0]})")
        return from_trajectory_msg(
            answer.trajectory.get_robot_trajectory_msg().joint_trajectory, self.joint_names
        )

    @contextmanager
    def _carrying(self, load: Load | None) -> Iterator[None]:
        """Have a load hang on the tool in MoveIt's scene, within the block."""
        rod = load_rod(self._T_tip_tool, load)
        if rod is None:
            yield
            return
        monitor = self._moveit.get_planning_scene_monitor()
        link = self._config.tip_link
        attached = to_attached_object(_LOAD, rod, link, self._touched)
        monitor.process_attached_collision_object(attached)
        try:
            yield
        finally:
            monitor.process_attached_collision_object(to_detached_object(_LOAD, link))
            # MoveIt leaves in the world what it detaches.
            monitor.process_collision_object(to_removed_object(_LOAD))

    def _error(self, code: Any, what: str) -> CellError:
        return planning_error(int(code.val), what, getattr(code, "message", ""))

    def _state(self, joints: Array) -> Any:
        # Of the scene's own state, for the tool hangs on that.
        with self._moveit.get_planning_scene_monitor().read_only() as scene:
            state = copy.copy(scene.current_state)
        state.set_joint_group_positions(self._config.group, np.asarray(joints, dtype=np.float64))
        state.update()
        return state

    def _T_root_base(self, state: Any) -> Array:
        """Return the base frame's pose in the model's root, whose frame MoveIt's states use."""
        return np.asarray(state.get_global_link_transform(self._base), dtype=np.float64)

    def _goal(self, T_base_tool: Array) -> PoseStamped:
        message = PoseStamped(pose=_pose(T_base_tool @ invert(self._T_tip_tool)))
        message.header.frame_id = self._base
        return message

    def _show(self, boxes: list[Box]) -> None:
        monitor = self._moveit.get_planning_scene_monitor()
        for box in boxes:
            monitor.process_collision_object(to_collision_object(box, self._base))


def to_collision_object(box: Box, frame_id: str) -> Any:
    """Return a `moveit_msgs/CollisionObject` that adds a box."""
    objects = require("moveit_msgs.msg", "moveit_msgs", "motion planning")
    message = objects.CollisionObject(id=box.name, operation=objects.CollisionObject.ADD)
    message.header.frame_id = frame_id
    message.pose = _pose(box.T_base_box)
    message.primitives = [SolidPrimitive(type=SolidPrimitive.BOX, dimensions=list(box.size))]
    message.primitive_poses = [Pose()]
    message.primitive_poses[0].orientation.w = 1.0
    return message


def to_attached_object(name: str, rod: Rod, tip_link: str, touched: list[str]) -> Any:
    """Return a `moveit_msgs/AttachedCollisionObject` that hangs a rod on the last link.

    Args:
        touched: links that it may touch.
    """
    objects = require("moveit_msgs.msg", "moveit_msgs", "motion planning")
    tool = objects.CollisionObject(id=name, operation=objects.CollisionObject.ADD)
    tool.header.frame_id = tip_link
    tool.pose = _pose(rod.T_tip_rod)
    cylinder = SolidPrimitive(type=SolidPrimitive.CYLINDER, dimensions=[rod.length, rod.radius])
    tool.primitives = [cylinder]
    tool.primitive_poses = [Pose()]
    tool.primitive_poses[0].orientation.w = 1.0
    return objects.AttachedCollisionObject(link_name=tip_link, object=tool, touch_links=touched)


def to_detached_object(name: str, tip_link: str) -> Any:
    """Return a `moveit_msgs/AttachedCollisionObject` that takes an object off the last link."""
    objects = require("moveit_msgs.msg", "moveit_msgs", "motion planning")
    return objects.AttachedCollisionObject(link_name=tip_link, object=to_removed_object(name))


def to_removed_object(name: str) -> Any:
    """Return a `moveit_msgs/CollisionObject` that removes an object."""
    objects = require("moveit_msgs.msg", "moveit_msgs", "motion planning")
    return objects.CollisionObject(id=name, operation=objects.CollisionObject.REMOVE)


def from_trajectory_msg(message: Any, joint_names: tuple[str, ...]) -> JointTrajectory:
    """Return a `trajectory_msgs/JointTrajectory` with its joints in the given order."""
    order = [list(message.joint_names).index(name) for name in joint_names]
    times = [p.time_from_start.sec + p.time_from_start.nanosec * 1e-9 for p in message.points]
    positions = [[p.positions[i] for i in order] for p in message.points]
    velocities = [[p.velocities[i] for i in order] for p in message.points]
    return JointTrajectory(joint_names, np.array(times), np.array(positions), np.array(velocities))


def _pose(T: Array) -> Pose:
    return Pose(position=to_point_msg(T[:3, 3]), orientation=to_quaternion_msg(T))


def _place(T: Array) -> str:
    x, y, z = T[:3, 3]
    return f"({x:.3f}, {y:.3f}, {z:.3f}) m"
