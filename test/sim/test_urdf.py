"""What RViz shows of the simulated arm is where its kinematics says."""

from xml.etree import ElementTree as ET

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from grasp_affordance.ros.drivers.moveit.moveit_config import MoveItConfig
from grasp_affordance.sim.robot import kinematics
from grasp_affordance.sim.robot.urdf import arm_urdf
from grasp_affordance.sim.scene import TOOL_LENGTH


def origin(element: ET.Element) -> np.ndarray:
    found = element.find("origin")
    assert found is not None
    T = np.eye(4)
    T[:3, :3] = Rotation.from_euler("xyz", np.fromstring(found.get("rpy", ""), sep=" ")).as_matrix()
    T[:3, 3] = np.fromstring(found.get("xyz", ""), sep=" ")
    return T


def links_at(robot: ET.Element, angles: dict[str, float]) -> dict[str, np.ndarray]:
    """Return link -> its pose in the root's frame."""
    joints = list(robot.iter("joint"))
    children = {joint.find("child").get("link") for joint in joints}  # type: ignore[union-attr]
    (root,) = {link.get("name") for link in robot.iter("link")} - children
    poses = {root: np.eye(4)}
    for joint in joints:  # parents come first
        turn = np.eye(4)
        if joint.get("type") == "revolute":
            angle = angles[str(joint.get("name"))]
            turn[:3, :3] = Rotation.from_euler("z", angle).as_matrix()
        parent, child = (joint.find(end).get("link") for end in ("parent", "child"))  # type: ignore[union-attr]
        poses[child] = poses[parent] @ origin(joint) @ turn
    return poses  # type: ignore[return-value]


@pytest.mark.parametrize("prefix", ["", "left_"])
def test_the_flange_of_the_urdf_is_that_of_the_kinematics(prefix: str) -> None:
    robot = ET.fromstring(arm_urdf(prefix, "base"))
    names = [prefix + name for name in MoveItConfig().joint_names]
    rng = np.random.default_rng(0)
    for _ in range(5):
        joints = rng.uniform(-3, 3, 6)
        poses = links_at(robot, dict(zip(names, joints, strict=True)))
        assert f"{prefix}base" in poses
        np.testing.assert_allclose(
            poses[f"{prefix}vacuum_tool"], kinematics.forward(joints), atol=1e-4
        )


def test_the_tool_reaches_to_the_rim_and_every_link_can_be_drawn() -> None:
    robot = ET.fromstring(arm_urdf())
    assert all(link.find("visual") is not None for link in robot.iter("link"))
    tool = robot.find("link[@name='vacuum_tool']")
    assert tool is not None
    ends = []
    for shape in tool.iter("visual"):
        cylinder = shape.find("geometry/cylinder")
        assert cylinder is not None
        ends.append(origin(shape)[2, 3] + float(cylinder.get("length", 0)) / 2)
    assert max(ends) == pytest.approx(TOOL_LENGTH, abs=1e-3)
