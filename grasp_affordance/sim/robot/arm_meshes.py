"""Draws the arm with the UR5's meshes (BSD) of the optional package `example-robot-data`.

Only the look changes: what collides and what weighs stays the simple geometry of assets/ur5.xml.
The package's URDF has frames of its own; its links at zero angles are placed into our bodies.
"""

from importlib import metadata
from pathlib import Path

import mujoco
import numpy as np

from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import Array, invert
from grasp_affordance.sim.robot import kinematics

_PACKAGE = "example-robot-data"
_FOLDER = "ur_description/meshes/ur5/collision"
# mesh, body, and the URDF's joint origin at zero angle: (x, y, z) metres, turn about y in radians
_LINKS = (
    ("base", "base", (0.0, 0.0, 0.0), 0.0),
    ("shoulder", "shoulder", (0.0, 0.0, 0.089159), 0.0),
    ("upperarm", "upper_arm", (0.0, 0.13585, 0.0), np.pi / 2),
    ("forearm", "forearm", (0.0, -0.1197, 0.425), 0.0),
    ("wrist1", "wrist_1", (0.0, 0.0, 0.39225), np.pi / 2),
    ("wrist2", "wrist_2", (0.0, 0.093, 0.0), 0.0),
    ("wrist3", "wrist_3", (0.0, 0.0, 0.09465), 0.0),
)


def mesh_folder() -> Path:
    """Return the folder of the installed meshes.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError as error:
        raise ConfigError(
            f"meshes are asked for and {_PACKAGE} is not installed: pip install {_PACKAGE}"
        ) from error
    for file in files:
        if file.as_posix().endswith(f"{_FOLDER}/base.stl"):
            return Path(str(file.locate())).parent
    raise ConfigError(f"the installed {_PACKAGE} has no {_FOLDER}; upgrade it")


def link_poses() -> list[Array]:
    """Return the pose (4, 4) of each link of `_LINKS` in the frame of its body."""
    T_base_link = np.diag([-1.0, -1.0, 1.0, 1.0])  # the URDF's base is turned by half a turn
    T_base_body = [np.eye(4), np.eye(4)]
    for joint in range(5):
        T_base_body.append(T_base_body[-1] @ kinematics.link_transform(joint, 0.0))
    poses = []
    for (_, _, origin, turn), T_body in zip(_LINKS, T_base_body, strict=True):
        step = np.eye(4)
        c, s = np.cos(turn), np.sin(turn)
        step[:3, :3] = [[c, 0, s], [0, 1, 0], [-s, 0, c]]
        step[:3, 3] = origin
        T_base_link = T_base_link @ step
        poses.append(invert(T_body) @ T_base_link)
    return poses


def dress(spec: mujoco.MjSpec, prefix: str, visible_group: int, hidden_group: int) -> None:
    """Add the meshes to the arm's bodies, in place, and hide its simple geometry."""
    folder = mesh_folder()
    for (name, body_name, _, _), T in zip(_LINKS, link_poses(), strict=True):
        body = spec.body(f"{prefix}{body_name}")
        for geom in body.geoms:
            geom.group = hidden_group
        mesh = spec.add_mesh(name=f"ur5_{name}", file=str(folder / f"{name}.stl"))
        quat = np.empty(4)
        mujoco.mju_mat2Quat(quat, np.ascontiguousarray(T[:3, :3]).flatten())
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=mesh.name,
            pos=T[:3, 3],
            quat=quat,
            group=visible_group,
            contype=0,
            conaffinity=0,
            mass=0,
            rgba=[0.78, 0.80, 0.83, 1],
        )
