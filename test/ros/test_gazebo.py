"""Gazebo's files say what our configuration says, and are valid by the tools that read them."""

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
from grasp_affordance.ros.drivers.gazebo.gazebo_gripper import _SHAPES, GazeboGripperConfig

ROOT = Path(__file__).parents[2]
WORLD = ROOT / "worlds" / "cell.sdf"
BRIDGE = ROOT / "config" / "gazebo" / "bridge.yaml"
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
    box = read_cell("gazebo").required_bin()
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


def test_every_topic_of_the_suction_is_bridged_in_its_direction() -> None:
    rows = yaml.safe_load(BRIDGE.read_text())
    directions = {row["ros_topic_name"]: row["direction"] for row in rows}
    for number in range(1, GazeboGripperConfig().objects + 1):
        prefix = f"/suction/object_{number}"
        assert directions[f"{prefix}/attach"] == directions[f"{prefix}/detach"] == "ROS_TO_GZ"
        assert directions[f"{prefix}/state"] == "GZ_TO_ROS"
    keys = {"ros_topic_name", "gz_topic_name", "ros_type_name", "gz_type_name", "direction"}
    assert all(set(row) == keys for row in rows)


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
