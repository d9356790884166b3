"""Our names, numbers and fields are those of the packages that define them, where these are there.

None is on PyPI: `control_msgs`, `ur_msgs`, `ur_dashboard_msgs`, `moveit_msgs`, `moveit_py`.
"""

from typing import Any

import numpy as np
import pytest

from grasp_affordance.cell import BinGeometry
from grasp_affordance.ros.drivers.moveit_errors import CODES, SUCCESS
from grasp_affordance.ros.drivers.obstacles import ObstacleConfig, obstacles
from grasp_affordance.ros.drivers.trajectory_action import ERROR_NAMES
from grasp_affordance.ros.drivers.ur_status import RobotMode, SafetyMode


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
    from grasp_affordance.ros.drivers.moveit_planner import to_collision_object

    for box in obstacles(BinGeometry(yaw=0.3), ObstacleConfig()):
        message = to_collision_object(box, "base")
        assert message.id == box.name
        assert message.header.frame_id == "base"
        assert message.operation == message.ADD
        position = message.pose.position
        np.testing.assert_allclose([position.x, position.y, position.z], box.T_base_box[:3, 3])
        np.testing.assert_allclose(message.primitives[0].dimensions, box.size)
        assert message.primitives[0].type == message.primitives[0].BOX
        assert len(message.primitive_poses) == len(message.primitives)


def test_moveit_py_has_what_the_planner_calls() -> None:
    planning = pytest.importorskip("moveit.planning")
    states = pytest.importorskip("moveit.core.robot_state")
    wanted = {
        planning.MoveItPy: ("get_planning_component", "get_planning_scene_monitor", "shutdown"),
        planning.PlanningComponent: ("set_start_state", "set_goal_state", "plan"),
        planning.PlanningSceneMonitor: ("process_collision_object", "read_only"),
        planning.PlanRequestParameters: (
            "planning_pipeline",
            "planner_id",
            "planning_time",
            "planning_attempts",
            "max_velocity_scaling_factor",
            "max_acceleration_scaling_factor",
        ),
        states.RobotState: (
            "set_to_default_values",
            "set_joint_group_positions",
            "set_from_ik",
            "get_global_link_transform",
            "update",
        ),
    }
    for kind, names in wanted.items():
        assert not [name for name in names if not hasattr(kind, name)], kind
