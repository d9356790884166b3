"""What MoveIt is told and what its errors become; no MoveIt needed."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Load
from grasp_affordance.errors import ConfigError, PlanningError, UnreachableError
from grasp_affordance.ros.drivers.foreign import require
from grasp_affordance.ros.drivers.moveit.moveit_config import (
    MoveItConfig,
    add_prefix,
    allow_touch,
    moveit_parameters,
)
from grasp_affordance.ros.drivers.moveit.moveit_errors import CODES, SUCCESS, planning_error
from grasp_affordance.ros.drivers.moveit.obstacles import (
    Box,
    ObstacleConfig,
    bin_walls,
    load_rod,
    obstacles,
    tool_rod,
)


def covers(box: Box, point: np.ndarray) -> bool:
    local = box.T_base_box[:3, :3].T @ (point - box.T_base_box[:3, 3])
    return bool((np.abs(local) <= np.array(box.size) / 2 + 1e-9).all())


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_error_carries_its_number_name_and_meaning(code: int) -> None:
    error = planning_error(code, "the line", "said by MoveIt")
    for part in ("the line", f"error {code} {CODES[code].name}", CODES[code].meaning, "said by"):
        assert part in str(error)


def test_what_another_pose_may_mend_is_unreachable_and_the_rest_is_a_fault() -> None:
    assert isinstance(planning_error(-31, "x"), UnreachableError)
    assert isinstance(planning_error(-12, "x"), UnreachableError)
    for code in (-6, -15, -21, -23, 99999):
        assert isinstance(planning_error(code, "x"), PlanningError)


def test_an_unknown_code_is_a_fault_with_its_number() -> None:
    assert SUCCESS not in CODES
    assert "error -999 UNKNOWN" in str(planning_error(-999, "x"))


@pytest.mark.parametrize("yaw", [0.0, 0.4, -1.2])
def test_the_walls_surround_the_bin_and_leave_its_interior_free(yaw: float) -> None:
    geometry = BinGeometry(centre=(0.5, 0.1), size=(0.4, 0.3, 0.12), floor=0.05, yaw=yaw)
    walls = bin_walls(geometry, 0.01)
    assert len(walls) == 4
    rng = np.random.default_rng(0)
    half = np.array(geometry.size[:2]) / 2
    for _ in range(300):
        local = np.array([*(rng.uniform(-1, 1, 2) * (half + 0.0099)), rng.uniform(0, 0.12), 1.0])
        inside = bool((np.abs(local[:2]) < half - 1e-6).all())
        point = (geometry.T_base_bin @ local)[:3]
        assert any(covers(wall, point) for wall in walls) != inside


def test_the_table_lies_under_everything() -> None:
    boxes = obstacles(ObstacleConfig(table=-0.03))
    table = next(b for b in boxes if b.name == "table")
    assert table.T_base_box[2, 3] + table.size[2] / 2 == pytest.approx(-0.03)


def test_post_and_camera_can_be_left_out() -> None:
    config = ObstacleConfig(post_width=0.0, camera_size=0.0)
    names = {b.name for b in obstacles(config)}
    assert not names & {"camera", "camera_post"}
    assert {"camera", "camera_post"} < {b.name for b in obstacles(ObstacleConfig())}


def test_the_tools_rod_reaches_from_the_last_link_to_the_free_part_of_the_cup() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        rim = rng.normal(size=3)
        rim *= rng.uniform(0.12, 0.3) / np.linalg.norm(rim)
        rod = tool_rod(rim, 0.03, 0.1)
        assert rod is not None
        half = np.array([0.0, 0.0, rod.length / 2, 1.0])
        np.testing.assert_allclose((rod.T_tip_rod @ (half * [1, 1, -1, 1]))[:3], 0.0, atol=1e-12)
        end = (rod.T_tip_rod @ half)[:3]
        assert np.linalg.norm(rim - end) == pytest.approx(0.1)
        np.testing.assert_allclose(np.cross(end, rim), 0.0, atol=1e-12)


def test_a_tool_without_thickness_or_of_free_length_alone_is_no_rod() -> None:
    assert tool_rod(np.array([0, 0, 0.15]), 0.0, 0.09) is None
    assert tool_rod(np.array([0, 0, 0.08]), 0.03, 0.09) is None
    assert tool_rod(np.zeros(3), 0.03, 0.0) is None


def test_a_load_hangs_from_the_rim_along_the_tools_axis() -> None:
    T_tip_rim = np.eye(4)
    T_tip_rim[:3, :3] = [[0, 0, 1], [0, 1, 0], [-1, 0, 0]]  # the tool points along the tip's x
    T_tip_rim[:3, 3] = [0.1, 0.0, 0.15]
    rod = load_rod(T_tip_rim, Load(radius=0.08, length=0.06))
    assert rod is not None
    assert (rod.radius, rod.length) == (0.08, 0.06)
    ends = np.array([[0, 0, -0.03, 1], [0, 0, 0.03, 1]]) @ rod.T_tip_rod.T
    np.testing.assert_allclose(ends[:, :3], [[0.1, 0, 0.15], [0.16, 0, 0.15]], atol=1e-12)


def test_a_load_of_unknown_extents_is_no_rod() -> None:
    for load in (None, Load(mass=1.0, length=0.1), Load(radius=0.1)):
        assert load_rod(np.eye(4), load) is None


SRDF = """<robot name="ur5">
  <group name="ur_manipulator"><chain base_link="base_link" tip_link="tool0"/></group>
  <group_state name="home" group="ur_manipulator">
    <joint name="elbow_joint" value="0"/>
  </group_state>
  <disable_collisions link1="tool0" link2="wrist_3_link" reason="Adjacent"/>
</robot>"""  # of the form that ur_moveit_config's has


def test_a_prefix_goes_before_links_and_joints_and_before_nothing_else() -> None:
    limits = {"elbow_joint": {"max_velocity": 3.14}}
    parameters = {
        "robot_description_semantic": SRDF,
        "robot_description_planning": {"joint_limits": limits},
    }
    add_prefix(parameters, "left_")
    text = parameters["robot_description_semantic"]
    assert isinstance(text, str)
    found = {
        f"{element.tag}.{name}": value
        for element in ET.fromstring(text).iter()
        for name, value in element.attrib.items()
    }
    assert found == {
        "robot.name": "ur5",
        "group.name": "ur_manipulator",
        "chain.base_link": "left_base_link",
        "chain.tip_link": "left_tool0",
        "group_state.name": "home",
        "group_state.group": "ur_manipulator",
        "joint.name": "left_elbow_joint",
        "joint.value": "0",
        "disable_collisions.link1": "left_tool0",
        "disable_collisions.link2": "left_wrist_3_link",
        "disable_collisions.reason": "Adjacent",
    }
    planning = parameters["robot_description_planning"]
    assert planning == {"joint_limits": {"left_elbow_joint": {"max_velocity": 3.14}}}


def test_links_that_may_touch_are_added_to_the_semantic_description() -> None:
    semantic = ET.fromstring(allow_touch("<robot name='ur5'><group/></robot>", "tool", "wrist"))
    pair = semantic.find("disable_collisions")
    assert pair is not None
    assert (pair.get("link1"), pair.get("link2")) == ("tool", "wrist")
    with pytest.raises(ConfigError, match="SRDF"):
        allow_touch("", "tool", "wrist")


def test_a_missing_ros_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ConfigError, match=r"apt install ros-[$]ROS_DISTRO-no-such-msgs"):
        require("no_such_msgs.msg", "no_such_msgs", "a test")


def test_a_planner_that_is_not_installed_is_named_before_moveit_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
    index.mkdir(parents=True)
    (index / "moveit_planners_ompl").touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="ROS_DISTRO-pilz-industrial-motion-planner"):
        moveit_parameters(MoveItConfig())


def test_shares_of_full_speed_are_shares() -> None:
    with pytest.raises(ConfigError, match="acceleration"):
        MoveItConfig(acceleration=1.5)
