"""Our names, numbers and fields are those of the packages that define them, where these are there.

None is on PyPI: `control_msgs`, `ur_msgs`, `ur_dashboard_msgs`, `ur_robot_driver`, `moveit_msgs`,
`moveit_configs_utils`, `ur_moveit_config`, `moveit_py`.
"""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.ros.calibration.tool_pose import ToolPoseConfig
from grasp_affordance.ros.drivers.arm.arm_config import ArmConfig
from grasp_affordance.ros.drivers.arm.contact import ContactConfig
from grasp_affordance.ros.drivers.arm.trajectory_action import ERROR_NAMES
from grasp_affordance.ros.drivers.moveit.moveit_config import (
    OMPL,
    PILZ,
    MoveItConfig,
    moveit_parameters,
)
from grasp_affordance.ros.drivers.moveit.moveit_errors import CODES, SUCCESS
from grasp_affordance.ros.drivers.moveit.obstacles import (
    ObstacleConfig,
    bin_walls,
    obstacles,
    tool_rod,
)
from grasp_affordance.ros.drivers.ur.cell import UrConfig
from grasp_affordance.ros.drivers.ur.ur_io import UrIoConfig
from grasp_affordance.ros.drivers.ur.ur_status import RobotMode, SafetyMode


def constants(message: Any) -> dict[str, int]:
    """The constants of a message class."""
    # rosidl keeps them on the metaclass, under the class's own name mangling.
    kind = type(message)
    return {
        name: value
        for key, values in vars(kind).items()
        if key.endswith("__constants")
        for name, value in values.items()
    }


def share(package: str) -> Path:
    """The folder of an installed ROS package; skips the test without it."""
    try:
        return Path(get_package_share_directory(package))
    except PackageNotFoundError:
        pytest.skip(f"{package} is not installed")


def fields(message: Any) -> dict[str, str]:
    return dict(message.get_fields_and_field_types())


def test_the_robots_modes_have_the_drivers_numbers() -> None:
    modes = pytest.importorskip("ur_dashboard_msgs.msg")
    assert constants(modes.RobotMode) == {mode.name: mode.value for mode in RobotMode}
    assert constants(modes.SafetyMode) == {mode.name: mode.value for mode in SafetyMode}
    assert fields(modes.RobotMode) == {"mode": "int8"}
    assert fields(modes.SafetyMode) == {"mode": "uint8"}


def test_set_io_and_io_states_have_the_fields_that_we_use() -> None:
    set_io = pytest.importorskip("ur_msgs.srv").SetIO
    messages = pytest.importorskip("ur_msgs.msg")
    assert fields(set_io.Request) == {"fun": "int8", "pin": "int8", "state": "float"}
    assert fields(set_io.Response) == {"success": "boolean"}
    assert set_io.Request.FUN_SET_DIGITAL_OUT == 1
    assert (set_io.Request.STATE_OFF, set_io.Request.STATE_ON) == (0, 1)
    assert set_io.Request.PIN_TOOL_DOUT1 == 17
    states = fields(messages.IOStates)
    assert (
        states["digital_in_states"] == states["digital_out_states"] == "sequence<ur_msgs/Digital>"
    )
    assert states["analog_in_states"] == "sequence<ur_msgs/Analog>"
    assert fields(messages.Digital) == {"pin": "uint8", "state": "boolean"}
    assert fields(messages.Analog) == {"pin": "uint8", "domain": "uint8", "state": "float"}


def test_set_payload_has_the_fields_that_we_use() -> None:
    set_payload = pytest.importorskip("ur_msgs.srv").SetPayload
    request = fields(set_payload.Request)
    assert request["mass"] == "float"
    assert request["center_of_gravity"] == "geometry_msgs/Vector3"
    assert fields(set_payload.Response) == {"success": "boolean"}


def test_a_trajectory_goal_has_the_fields_and_codes_that_we_use() -> None:
    action = pytest.importorskip("control_msgs.action").FollowJointTrajectory
    goal, result, feedback = fields(action.Goal), fields(action.Result), fields(action.Feedback)
    assert goal["trajectory"] == "trajectory_msgs/JointTrajectory"
    assert goal["goal_tolerance"] == "sequence<control_msgs/JointTolerance>"
    assert goal["goal_time_tolerance"] == "builtin_interfaces/Duration"
    assert result == {"error_code": "int32", "error_string": "string"}
    assert feedback["error"] == "trajectory_msgs/JointTrajectoryPoint"
    assert constants(action.Result) == {name: code for code, name in ERROR_NAMES.items()}


def test_a_tolerance_and_a_gripper_command_have_the_fields_that_we_use() -> None:
    messages = pytest.importorskip("control_msgs.msg")
    actions = pytest.importorskip("control_msgs.action")
    tolerance = fields(messages.JointTolerance)
    assert tolerance["name"] == "string"
    assert tolerance["position"] == "double"
    assert fields(actions.GripperCommand.Goal) == {"command": "control_msgs/GripperCommand"}
    assert fields(messages.GripperCommand) == {"position": "double", "max_effort": "double"}


def test_our_words_for_moveits_errors_cover_every_code() -> None:
    codes = pytest.importorskip("moveit_msgs.msg").MoveItErrorCodes
    upstream = constants(codes)
    assert upstream.pop("SUCCESS") == SUCCESS
    assert upstream == {entry.name: code for code, entry in CODES.items()}
    assert fields(codes)["val"] == "int32"


def test_obstacles_become_collision_objects_at_their_place() -> None:
    pytest.importorskip("moveit_msgs.msg")
    from grasp_affordance.ros.drivers.moveit.moveit_planner import to_collision_object

    for box in [*obstacles(ObstacleConfig()), *bin_walls(BinGeometry(yaw=0.3), 0.01)]:
        message = to_collision_object(box, "base")
        assert message.id == box.name
        assert message.header.frame_id == "base"
        assert message.operation == message.ADD
        position = message.pose.position
        np.testing.assert_allclose([position.x, position.y, position.z], box.T_base_box[:3, 3])
        np.testing.assert_allclose(message.primitives[0].dimensions, box.size)
        assert message.primitives[0].type == message.primitives[0].BOX
        assert len(message.primitive_poses) == len(message.primitives)


def test_the_tool_hangs_on_the_last_link_and_may_touch_what_it_is_screwed_to() -> None:
    pytest.importorskip("moveit_msgs.msg")
    from grasp_affordance.ros.drivers.moveit.moveit_planner import to_attached_object

    rod = tool_rod(np.array([0.0, 0.0, 0.16]), 0.03, 0.09)
    assert rod is not None
    message = to_attached_object("vacuum_tool", rod, "tool0", ["tool0", "wrist_3_link"])
    assert message.link_name == message.object.header.frame_id == "tool0"
    assert set(message.touch_links) == {"tool0", "wrist_3_link"}
    cylinder = message.object.primitives[0]
    assert cylinder.type == cylinder.CYLINDER
    assert cylinder.dimensions[cylinder.CYLINDER_HEIGHT] == pytest.approx(0.07)
    assert cylinder.dimensions[cylinder.CYLINDER_RADIUS] == pytest.approx(0.03)
    assert message.object.pose.position.z == pytest.approx(0.035)
    assert message.object.operation == message.object.ADD


@pytest.mark.parametrize("ur_type", ["ur5", "ur5e"])
def test_moveit_is_started_with_what_the_robots_own_package_says(ur_type: str) -> None:
    pytest.importorskip("moveit_configs_utils")
    share("ur_moveit_config")
    config = MoveItConfig(ur_type=ur_type, tool_link="vacuum_tool", use_sim_time=True)
    values = moveit_parameters(config)
    assert set(values["planning_pipelines"]["pipeline_names"]) == {OMPL, PILZ}
    assert "CommandPlanner" in values[PILZ]["planning_plugins"][0]
    assert "OMPLPlanner" in values[OMPL]["planning_plugins"][0]
    limits = values["robot_description_planning"]
    assert limits["cartesian_limits"]["max_trans_vel"] == config.full_linear_speed
    assert set(limits["joint_limits"]) == set(config.joint_names)
    assert config.group in values["robot_description_kinematics"]
    semantic = ET.fromstring(values["robot_description_semantic"])
    assert semantic.get("name") == ur_type
    chain = semantic.find(f"group[@name='{config.group}']/chain")
    assert chain is not None
    assert chain.get("tip_link") == config.tip_link
    touching = {(p.get("link1"), p.get("link2")) for p in semantic.iter("disable_collisions")}
    assert ("vacuum_tool", "wrist_3_link") in touching


def test_the_driver_has_the_controllers_that_we_talk_to() -> None:
    path = share("ur_robot_driver") / "config" / "ur_controllers.yaml"
    manager = yaml.safe_load(path.read_text())["controller_manager"]["ros__parameters"]
    topics = (
        ArmConfig().action,
        ContactConfig().force_topic,
        UrIoConfig().controller + "/io_states",
        UrConfig().speed_topic,
        ToolPoseConfig().topic,
    )
    for topic in topics:
        assert topic.split("/")[1] in manager, topic
    assert "ForceTorqueSensorBroadcaster" in manager["force_torque_sensor_broadcaster"]["type"]


def test_moveit_py_has_what_the_planner_calls() -> None:
    planning = pytest.importorskip("moveit.planning")
    states = pytest.importorskip("moveit.core.robot_state")
    wanted = {
        planning.MoveItPy: ("get_planning_component", "get_planning_scene_monitor", "shutdown"),
        planning.PlanningComponent: ("set_start_state", "set_goal_state", "plan"),
        planning.PlanningSceneMonitor: (
            "process_collision_object",
            "process_attached_collision_object",
            "read_only",
        ),
        planning.PlanRequestParameters: (
            "planning_pipeline",
            "planner_id",
            "planning_time",
            "planning_attempts",
            "max_velocity_scaling_factor",
            "max_acceleration_scaling_factor",
        ),
        states.RobotState: (
            "__copy__",
            "set_joint_group_positions",
            "set_from_ik",
            "get_global_link_transform",
            "update",
        ),
    }
    scenes = pytest.importorskip("moveit.core.planning_scene")
    wanted[scenes.PlanningScene] = ("current_state", "is_state_colliding")
    for kind, names in wanted.items():
        assert not [name for name in names if not hasattr(kind, name)], kind
