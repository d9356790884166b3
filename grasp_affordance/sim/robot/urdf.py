"""The simulated arm and its tool as a URDF, for RViz: links, joints and their simple shapes."""

import warnings
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from xml.etree import ElementTree as ET

import mujoco
import numpy as np
from scipy.spatial.transform import Rotation

from grasp_affordance.arrays import Array
from grasp_affordance.geometry import from_quaternion

_ASSETS = files("grasp_affordance.sim") / "assets"
_SITE = "flange"  # of the last link, where the tool is screwed on


def arm_urdf(tf_prefix: str = "", base_frame: str = "base") -> str:
    """Return the URDF of the simulated UR5 with its vacuum tool.

    Its root is the controller's base frame, its joints are called as the UR driver calls them.

    Args:
        tf_prefix: before the names of links and joints.
        base_frame: name of the root, without the prefix.
    """
    arm, tool = _model("ur5.xml"), _model("vacuum_tool.xml")
    robot = ET.Element("robot", name="simulated_ur5")
    names = {0: ""}
    for body in range(1, arm.nbody):
        name = base_frame if body == 1 else f"{arm.body(body).name}_link"
        names[body] = tf_prefix + name
        _link(robot, names[body], arm, [body])
        if body > 1:
            joint = arm.joint(int(arm.body_jntadr[body]))
            parent = names[int(arm.body_parentid[body])]
            pose = arm.body_pos[body], arm.body_quat[body]
            _joint(robot, f"{tf_prefix}{joint.name}_joint", parent, names[body], pose, joint.range)
    site = arm.site(_SITE)
    flange = site.pos, np.array([1.0, 0.0, 0.0, 0.0])
    name = f"{tf_prefix}vacuum_tool"
    _link(robot, name, tool, range(1, tool.nbody))
    _joint(robot, f"{name}_joint", names[int(site.bodyid[0])], name, flange)
    ET.indent(robot)
    return ET.tostring(robot, encoding="unicode")


@cache
def _model(name: str) -> mujoco.MjModel:
    return mujoco.MjModel.from_xml_string((_ASSETS / name).read_text())


def _link(robot: ET.Element, name: str, model: mujoco.MjModel, bodies: Sequence[int]) -> None:
    """Add a link with the shapes of bodies, at rest, in the frame of the first."""
    link = ET.SubElement(robot, "link", name=name)
    for geom in range(model.ngeom):
        body = int(model.geom_bodyid[geom])
        if body not in bodies:
            continue
        T = _pose(model.geom_pos[geom], model.geom_quat[geom])
        while body != bodies[0]:
            T = _pose(model.body_pos[body], model.body_quat[body]) @ T
            body = int(model.body_parentid[body])
        for kind in ("visual", "collision"):
            shape = ET.SubElement(link, kind)
            _origin(shape, T)
            _geometry(shape, int(model.geom_type[geom]), model.geom_size[geom])
            if kind == "visual":
                colour = " ".join(f"{value:.3f}" for value in model.geom_rgba[geom])
                material = ET.SubElement(shape, "material", name=f"{name}_{geom}")
                ET.SubElement(material, "color", rgba=colour)


def _geometry(shape: ET.Element, kind: int, size: Array) -> None:
    """Add a geometry; a capsule becomes a cylinder of its whole length, an ellipsoid a cylinder."""
    geometry = ET.SubElement(shape, "geometry")
    radius, half = float(size[0]), float(size[1])
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        half += radius
    elif kind == mujoco.mjtGeom.mjGEOM_ELLIPSOID:
        half = float(size[2])
    elif kind != mujoco.mjtGeom.mjGEOM_CYLINDER:
        raise ValueError(f"no URDF geometry for a geom of type {kind}")
    ET.SubElement(geometry, "cylinder", radius=f"{radius:.5f}", length=f"{2 * half:.5f}")


def _joint(
    robot: ET.Element,
    name: str,
    parent: str,
    child: str,
    pose: tuple[Array, Array],
    limits: Array | None = None,
) -> None:
    """Add a joint about the child's z axis; a fixed one without limits, radians."""
    joint = ET.SubElement(robot, "joint", name=name, type="fixed" if limits is None else "revolute")
    _origin(joint, _pose(*pose))
    ET.SubElement(joint, "parent", link=parent)
    ET.SubElement(joint, "child", link=child)
    if limits is not None:
        ET.SubElement(joint, "axis", xyz="0 0 1")
        low, high = (f"{angle:.5f}" for angle in limits)
        ET.SubElement(joint, "limit", lower=low, upper=high, effort="150", velocity="3.2")


def _pose(position: Array, quaternion: Array) -> Array:
    """Return the pose (4, 4) of a position and MuJoCo's quaternion w x y z."""
    return from_quaternion(position, np.roll(quaternion, -1))


def _origin(parent: ET.Element, T: Array) -> None:
    with warnings.catch_warnings():  # of gimbal lock, where any of the equal answers will do
        warnings.simplefilter("ignore", UserWarning)
        rpy = Rotation.from_matrix(T[:3, :3]).as_euler("xyz")
    texts = [" ".join(f"{value:.6f}" for value in values) for values in (T[:3, 3], rpy)]
    ET.SubElement(parent, "origin", xyz=texts[0], rpy=texts[1])
