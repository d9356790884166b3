"""Gazebo's files say what our configuration says, and are valid by the tools that read them."""

import itertools
import math
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation

from grasp_affordance.cell_file import read_cell
from grasp_affordance.geometry import from_quaternion
from grasp_affordance.ros.common.launching import GAZEBO_TOPICS
from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import (
    _SHAPES,
    ARM_POSES,
    OBJECT_POSES,
    WRENCH,
    GazeboGripperConfig,
)
from grasp_affordance.ros.drivers.gazebo.gazebo_load import GRAVITY, ToolConfig

ROOT = Path(__file__).parents[2]
WORLD = ROOT / "worlds" / "cell.sdf"
BRIDGE = ROOT / "config" / "gazebo" / "bridge.yaml"
TOOL = ROOT / "urdf" / "vacuum_tool.xacro"
XACRO = ROOT / "urdf" / "gazebo_cell.urdf.xacro"


def model(name: str) -> ET.Element:
    found = ET.parse(WORLD).getroot().find(f"world/model[@name='{name}']")
    assert found is not None, name
    return found


def numbers(element: ET.Element, path: str) -> np.ndarray:
    return np.array([float(text) for text in (element.findtext(path) or "").split()])


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_camera_is_where_the_parameters_put_it() -> None:
    x, y, z, *angles = numbers(model("camera"), "pose")
    # The optical frame of a sensor that looks along its +x.
    optical = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    R = Rotation.from_euler("xyz", angles).as_matrix() @ optical
    pose = read_cell("gazebo").camera.pose
    assert pose is not None
    T = from_quaternion(pose[:3], pose[3:])
    np.testing.assert_allclose(T[:3, 3], [x, y, z])
    np.testing.assert_allclose(T[:3, :3], R, atol=1e-6)


def test_the_bin_is_where_the_parameters_put_it() -> None:
    box = read_cell("gazebo").bin
    assert box is not None
    assert tuple(numbers(model("bin"), "pose")[:2]) == box.centre
    wall = model("bin").find("link/collision[@name='left']")
    assert wall is not None
    inner = numbers(wall, "pose")[1] - numbers(wall, "geometry/box/size")[1] / 2
    assert inner == pytest.approx(box.size[1] / 2)


def test_the_gripper_knows_the_shapes_of_the_world() -> None:
    for number in range(1, GazeboGripperConfig().objects + 1):
        geometry = model(f"object_{number}").find("link/collision/geometry")
        assert geometry is not None
        kind = geometry[0].tag
        assert kind == ("cylinder" if number % 2 else "box")
        sizes = [float(v) for child in geometry[0] for v in (child.text or "").split()]
        assert tuple(sizes) == _SHAPES[kind].size


def bridge() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = yaml.safe_load(BRIDGE.read_text())
    return rows


def test_every_topic_of_the_suction_is_bridged_in_its_direction() -> None:
    rows = bridge()
    directions = {row["ros_topic_name"]: row["direction"] for row in rows}
    for number in range(1, GazeboGripperConfig().objects + 1):
        prefix = f"/suction/object_{number}"
        assert directions[f"{prefix}/attach"] == directions[f"{prefix}/detach"] == "ROS_TO_GZ"
        assert directions[f"{prefix}/state"] == "GZ_TO_ROS"
    keys = {"ros_topic_name", "gz_topic_name", "ros_type_name", "gz_type_name", "direction"}
    assert all(set(row) == keys for row in rows)


def test_the_bridge_carries_what_world_and_robot_have_and_nothing_else() -> None:
    world, robot = ET.parse(WORLD).getroot(), ET.parse(XACRO).getroot()
    camera = world.findtext(".//sensor[@type='rgbd_camera']/topic")
    names = {f"/{camera}/{part}" for part in ("image", "depth_image", "camera_info")} | {"/clock"}
    names.add(robot.findtext(".//sensor[@type='force_torque']/topic") or "")
    moving = {m.get("name") for m in world.iter("model") if m.find("plugin") is not None}
    assert moving == {f"object_{n}" for n in range(1, GazeboGripperConfig().objects + 1)}
    names |= {f"/model/{name}/pose" for name in moving | {"ur"}}
    for part in ("attach_topic", "detach_topic", "output_topic"):
        text = robot.findtext(f".//plugin[@name='gz::sim::systems::DetachableJoint']/{part}") or ""
        names |= {text.replace("object_${number}", str(name)) for name in moving}
    assert sorted(row["gz_topic_name"] for row in bridge()) == sorted(names)


def test_the_arm_has_a_topic_that_no_object_fills() -> None:
    came_from: dict[str, set[str]] = {}
    for row in bridge():
        came_from.setdefault(row["ros_topic_name"], set()).add(row["gz_topic_name"])
    assert came_from[f"/{ARM_POSES}"] == {"/model/ur/pose"}
    objects = {f"/model/object_{n}/pose" for n in range(1, GazeboGripperConfig().objects + 1)}
    assert came_from[f"/{OBJECT_POSES}"] == objects
    assert f"/{WRENCH}" in came_from
    assert set(GAZEBO_TOPICS) <= set(came_from)
    rates = [float(e.text or "") for e in ET.parse(WORLD).getroot().iter("update_frequency")]
    assert len(rates) == len(objects)
    assert all(10 <= rate <= 20 for rate in rates)
    assert ET.parse(XACRO).getroot().findtext(".//update_frequency") == "100"


def test_the_force_is_measured_in_each_step_of_the_controllers_period_as_often() -> None:
    step = float(ET.parse(WORLD).getroot().findtext(".//max_step_size") or "")
    sensor = float(ET.parse(XACRO).getroot().findtext(".//sensor/update_rate") or "")
    values = yaml.safe_load((BRIDGE.parent / "controllers.yaml").read_text())
    controller = values["controller_manager"]["ros__parameters"]["update_rate"]
    sensor_steps, controller_steps = 1 / (sensor * step), 1 / (controller * step)
    assert math.gcd(round(sensor_steps), round(controller_steps)) == 1
    round_trip = round(sensor_steps) * round(controller_steps) * step
    assert ToolConfig().window / round_trip == pytest.approx(
        round(ToolConfig().window / round_trip)
    )


def value(expression: str) -> float:
    """Return the value of a xacro expression of the tool with its defaults."""
    defaults = ET.parse(TOOL).getroot().find("{http://www.ros.org/wiki/xacro}macro")
    assert defaults is not None
    names = dict(re.findall(r"(\w+):=([\d.]+)", defaults.get("params") or ""))
    numbers = {name: float(text) for name, text in names.items()}
    return float(eval(expression.removeprefix("${").removesuffix("}"), {}, numbers))


def test_the_cup_is_solid_up_to_its_rim() -> None:
    parts = ET.parse(TOOL).getroot().iter("{http://www.ros.org/wiki/xacro}tool_part")
    ends = sorted(
        (value(part.get("z") or "") - value(part.get("l") or "") / 2,
         value(part.get("z") or "") + value(part.get("l") or "") / 2)
        for part in parts
    )  # fmt: skip
    assert ends[-1][1] == pytest.approx(value("length"))
    for (_, end), (start, _) in itertools.pairwise(ends):
        assert start == pytest.approx(end)


def test_the_gripper_knows_the_weight_of_the_tool_and_of_the_world() -> None:
    config = ToolConfig()
    assert GazeboGripperConfig().rim == pytest.approx(value("length"))
    inertial = ET.parse(TOOL).getroot().find(".//link/inertial")
    assert inertial is not None
    origin = inertial.find("origin")
    assert origin is not None
    tool, at = value("mass"), float((origin.get("xyz") or "").split()[2])
    wrist, wrist_at = 0.1879, -0.001159  # ur_description, config/ur5/physical_parameters.yaml
    assert config.mass == pytest.approx(tool + wrist, abs=1e-3)
    assert config.middle == pytest.approx((tool * at + wrist * wrist_at) / (tool + wrist), abs=1e-3)
    gravity = [float(v) for v in (ET.parse(WORLD).getroot().findtext(".//gravity") or "").split()]
    assert gravity == [0.0, 0.0, -GRAVITY]


def test_the_world_is_valid() -> None:
    tool = shutil.which("gz") or shutil.which("ign")
    if tool is None:
        pytest.skip("neither gz nor ign is installed")
    assert "Valid" in run(tool, "sdf", "-k", str(WORLD))


def test_the_robot_description_is_valid(tmp_path: Path) -> None:
    xacro = pytest.importorskip("xacro")
    packages = pytest.importorskip("ament_index_python.packages")
    try:
        packages.get_package_share_directory("ur_description")
    except packages.PackageNotFoundError:
        pytest.skip("ur_description is not installed")
    text = xacro.process_file(
        str(XACRO), mappings={"ur_type": "ur5", "controllers": "/c.yaml"}
    ).toxml()
    robot = ET.fromstring(text)
    plugins = robot.findall("gazebo/plugin[@name='gz::sim::systems::DetachableJoint']")
    assert len(plugins) == GazeboGripperConfig().objects
    links = {link.get("name") for link in robot.findall("link")}
    assert {plugin.findtext("parent_link") for plugin in plugins} <= links
    checker = shutil.which("check_urdf")
    if checker is not None:
        path = tmp_path / "cell.urdf"
        path.write_text(text)
        assert "Successfully Parsed" in run(checker, str(path))
