"""The parameters of the MoveIt planner, and MoveIt's own that it is started with."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from grasp_affordance.cell_description import Pose, ToolDescription
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import check_rigid, from_quaternion
from grasp_affordance.ros.drivers.foreign import require, require_installed
from grasp_affordance.ros.drivers.moveit.obstacles import ObstacleConfig

PILZ = "pilz_industrial_motion_planner"
OMPL = "ompl"
_PLUGINS = ("moveit_planners_ompl", PILZ)  # packages that MoveIt loads by itself
_LINK_ATTRIBUTES = ("base_link", "tip_link", "link1", "link2", "parent_link", "child_link")


@dataclass(frozen=True)
class MoveItConfig:
    """Which arm MoveIt plans for, and how.

    Attributes:
        ur_type: ur5 (CB3), ur5e, or another name that ur_description knows.
        tf_prefix: before the names of links and joints in the robot's description.
        package: with MoveIt's configuration of the robot.
        group: planning group.
        tip_link: last link of the group.
        tool: where the rim of the cup is in that link: x y z (metres) and quaternion x y z w; its z
            axis is the suction approach.
        tool_radius: of the tool about the line from that link to the rim, metres; MoveIt keeps this
            cylinder off obstacles and arm. 0 where the robot's description has the tool.
        tool_free: length before the rim that is left out, metres: the cup must touch, and the slim
            part behind it (`pick.cup_length`) is checked against the bin's walls by the pick.
        mount_link: to which the tool is screwed and which it therefore touches.
        tool_link: the tool in the robot's description; empty where it is not there.
        use_sim_time: MoveIt's node follows a simulator's /clock.
        joint_names: of the group, in the order of every array of angles.
        planning_time: for one motion at most, seconds.
        attempts: of a sampling planner within that time.
        acceleration: share of full acceleration.
        full_linear_speed: m/s of `cartesian_limits.max_trans_vel` in the package's Pilz limits, to
            which its scaling factor refers.
        ik_timeout: for one inverse kinematics, seconds.
        connect_timeout: for the robot's description and first joint state, seconds.
        obstacles: what stands in the cell.
    """

    ur_type: str = "ur5"
    tf_prefix: str = ""
    package: str = "ur_moveit_config"
    group: str = "ur_manipulator"
    tip_link: str = "tool0"
    tool: Pose = ToolDescription.rim
    tool_radius: float = ToolDescription.radius
    tool_free: float = ToolDescription.slim
    mount_link: str = "wrist_3_link"
    tool_link: str = ""
    use_sim_time: bool = False
    joint_names: tuple[str, ...] = (
        "shoulder_pan_joint",
        "shoulder_lift_joint",
        "elbow_joint",
        "wrist_1_joint",
        "wrist_2_joint",
        "wrist_3_joint",
    )
    planning_time: float = 2.0
    attempts: int = 4
    acceleration: float = 0.3
    full_linear_speed: float = 1.0
    ik_timeout: float = 0.05
    connect_timeout: float = 10.0
    obstacles: ObstacleConfig = field(default_factory=ObstacleConfig)

    def __post_init__(self) -> None:
        check_rigid(from_quaternion(self.tool[:3], self.tool[3:]), "moveit.tool")
        if min(self.tool_radius, self.tool_free) < 0:
            raise ConfigError("tool_radius and tool_free must not be negative")
        times = (self.planning_time, self.ik_timeout, self.connect_timeout)
        if min(times) <= 0 or self.attempts < 1 or self.full_linear_speed <= 0:
            raise ConfigError("times, attempts and full_linear_speed must be positive")
        if not 0 < self.acceleration <= 1:
            raise ConfigError(f"acceleration {self.acceleration} is a share: above 0, at most 1")


def moveit_parameters(config: MoveItConfig) -> dict[str, Any]:
    """Return the parameters with which MoveItPy starts.

    The robot's description comes from the topic `robot_description`, as the UR driver publishes it.

    Raises:
        ConfigError: MoveIt's packages are not installed.
    """
    for package in _PLUGINS:
        require_installed(package, "motion planning")
    utils = require("moveit_configs_utils", "moveit_configs_utils", "motion planning")
    builder = utils.MoveItConfigsBuilder(robot_name="ur", package_name=config.package)
    semantic = Path("srdf") / "ur.srdf.xacro"
    builder = builder.robot_description_semantic(semantic, {"name": config.ur_type})
    builder = builder.planning_pipelines(pipelines=[OMPL, PILZ], default_planning_pipeline=OMPL)
    parameters: dict[str, Any] = builder.to_moveit_configs().to_dict()
    if config.tf_prefix:
        add_prefix(parameters, config.tf_prefix)
    if config.tool_link:
        key = "robot_description_semantic"
        parameters[key] = allow_touch(parameters[key], config.tool_link, config.mount_link)
    parameters["use_sim_time"] = config.use_sim_time
    parameters["planning_pipelines"] = {"pipeline_names": [OMPL, PILZ]}
    parameters["planning_scene_monitor_options"] = {
        "name": "planning_scene_monitor",
        "robot_description": "robot_description",
        "wait_for_initial_state_timeout": config.connect_timeout,
    }
    parameters["plan_request_params"] = {
        "planning_pipeline": PILZ,
        "planner_id": "PTP",
        "planning_time": config.planning_time,
        "planning_attempts": config.attempts,
        "max_velocity_scaling_factor": 0.1,
        "max_acceleration_scaling_factor": 0.1,
    }
    return parameters


def add_prefix(parameters: dict[str, Any], prefix: str) -> None:
    """Put a prefix before the links and joints that MoveIt's parameters of a robot name.

    The robot's package knows no prefix; its description, which the driver publishes, has it.
    """
    key = "robot_description_semantic"
    robot = ElementTree.fromstring(parameters[key])
    for element in robot.iter():
        names = {"joint": ("name",), "link": ("name",)}.get(element.tag, _LINK_ATTRIBUTES)
        for name in names:
            if name in element.attrib:
                element.set(name, prefix + element.get(name, ""))
    parameters[key] = ElementTree.tostring(robot, encoding="unicode")
    planning = parameters.get("robot_description_planning", {})
    if "joint_limits" in planning:
        limits = planning["joint_limits"]
        planning["joint_limits"] = {prefix + joint: limit for joint, limit in limits.items()}


def allow_touch(semantic: str, link: str, other: str) -> str:
    """Return a SRDF in which two links may touch, such as a tool and what it is screwed to."""
    pair = f'<disable_collisions link1="{link}" link2="{other}" reason="Adjacent"/>'
    head, end, rest = semantic.rpartition("</robot>")
    if not end:
        raise ConfigError("the robot's semantic description is no SRDF: it has no </robot>")
    return head + pair + end + rest
