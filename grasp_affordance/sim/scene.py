"""From a stack to a compiled MuJoCo model: cell, arm, tool, bin, place area, camera, objects."""

from collections.abc import Sequence
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import ArrayLike

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.geometry import Array
from grasp_affordance.sim.config import SimConfig
from grasp_affordance.sim.piles.appearance import Theme, add_bark, add_materials
from grasp_affordance.sim.piles.objects import Material, ObjectSpec, Placement
from grasp_affordance.sim.robot import arm_meshes

ASSETS = Path(__file__).parent / "assets"
ARM, TOOL = "arm/", "tool/"  # prefixes of their names in the model
TOOL_LENGTH = 0.150  # metres from flange to cup rim at rest, as in vacuum_tool.xml

# geom groups: what the camera draws and what suction rays meet
GROUP_BACKGROUND, GROUP_OBJECT, GROUP_ROBOT, GROUP_COLLISION, GROUP_GUIDE = 0, 1, 2, 3, 4

WALL = 0.010  # thickness of the bin's walls, metres
_GUIDE_HEIGHT = 1.2
_FRICTION = [0.3, 0.005, 0.001]  # smooth plastic and varnished wood
_ROUGH = {Material.BARK: [0.8, 0.010, 0.010]}  # uneven: logs do not roll away by themselves
_SOLREF = [0.008, 1.0]
_DAMPING = 0.6  # 1/s: of objects' motion, by air and hysteresis; lets odd shapes come to rest
_BOX = mujoco.mjtGeom.mjGEOM_BOX
_MESH = mujoco.mjtGeom.mjGEOM_MESH
_CYLINDER = mujoco.mjtGeom.mjGEOM_CYLINDER
_MATERIALS = {Material.POROUS: "porous", Material.SHINY: "metal", Material.BARK: "bark"}


def object_name(index: int) -> str:
    """Return the body name of an object."""
    return f"object_{index}"


def weld_name(index: int) -> str:
    """Return the name of the equality that binds an object to the cup."""
    return f"weld_{index}"


def build(
    config: SimConfig,
    look: Theme,
    placements: Sequence[Placement],
    T_base_camera: Array,
    cup_rim_radius: float,
) -> mujoco.MjModel:
    """Return the compiled model of a cell with its objects where they start.

    `T_base_camera` is the true pose of the optical frame; the base frame is MuJoCo's world.
    """
    spec = mujoco.MjSpec.from_file(str(ASSETS / "cell.xml"))
    add_materials(spec, look)
    if any(placement.spec.material is Material.BARK for placement in placements):
        add_bark(spec)
    add_table(spec, config)
    add_bin(spec, config.bin)
    _add_guides(spec, config.bin)
    _add_tote(spec, config)
    _add_camera(spec, config, T_base_camera)
    _add_robot(spec, cup_rim_radius, config.meshes)
    for index, placement in enumerate(placements):
        add_object(spec, config.bin, index, placement)
        _add_weld(spec, index)
    model = spec.compile()
    damp_objects(model, len(placements))
    return model


def damp_objects(model: mujoco.MjModel, count: int) -> None:
    """Damp the motion of the first `count` objects of a compiled model, in place."""
    for index in range(count):
        body = model.body(object_name(index)).id
        start = model.jnt_dofadr[model.body_jntadr[body]]
        model.dof_damping[start : start + 3] = _DAMPING * model.body_mass[body]
        model.dof_damping[start + 3 : start + 6] = _DAMPING * model.body_inertia[body].mean()


def _static_box(
    spec: mujoco.MjSpec, name: str, centre: ArrayLike, half: ArrayLike, **look: object
) -> mujoco.MjsGeom:
    return spec.worldbody.add_geom(
        name=name, type=_BOX, pos=centre, size=half, friction=_FRICTION, condim=6, **look
    )


def add_table(spec: mujoco.MjSpec, config: SimConfig) -> None:
    """Add the table and the pedestal of the arm."""
    top = config.bin.floor - WALL
    _static_box(
        spec, "table", (0.34, -0.15, top - 0.02), (0.72, 0.95, 0.02), material="table", group=0
    )
    for k, (x, y) in enumerate([(-0.3, -1.0), (-0.3, 0.7), (1.0, -1.0), (1.0, 0.7)]):
        _static_box(
            spec,
            f"leg_{k}",
            (x, y, (top - 0.79) / 2),
            (0.03, 0.03, (top + 0.71) / 2),
            material="steel",
            contype=0,
            conaffinity=0,
        )
    spec.worldbody.add_geom(
        name="pedestal",
        type=_CYLINDER,
        pos=(0, 0, top / 2),
        size=(0.095, abs(top) / 2 + 1e-4, 0),
        material="steel",
        contype=0,
        conaffinity=0,
    )


def _walls(geometry: BinGeometry, thickness: float, low: float, high: float) -> list[Array]:
    """Return (centre, half sizes) rows (2, 3) of four walls around the interior, bin frame."""
    hx, hy = geometry.size[0] / 2, geometry.size[1] / 2
    t, z, h = thickness / 2, (low + high) / 2, (high - low) / 2
    return [np.array([[s * (hx + t), 0, z], [t, hy + thickness, h]]) for s in (-1, 1)] + [
        np.array([[0, s * (hy + t), z], [hx, t, h]]) for s in (-1, 1)
    ]


def add_bin(spec: mujoco.MjSpec, geometry: BinGeometry) -> None:
    """Add the bin as the body `bin`."""
    body = spec.worldbody.add_body(name="bin", pos=geometry.T_base_bin[:3, 3])
    body.quat = [np.cos(geometry.yaw / 2), 0, 0, np.sin(geometry.yaw / 2)]
    common = {"material": "wood", "friction": _FRICTION, "condim": 6, "solref": _SOLREF}
    body.add_geom(
        name="bin_floor",
        type=_BOX,
        pos=[0, 0, -WALL / 2],
        size=[geometry.size[0] / 2 + WALL, geometry.size[1] / 2 + WALL, WALL / 2],
        **common,
    )
    for k, (centre, half) in enumerate(_walls(geometry, WALL, 0.0, geometry.size[2])):
        body.add_geom(name=f"bin_wall_{k}", type=_BOX, pos=centre, size=half, **common)


def _add_guides(spec: mujoco.MjSpec, geometry: BinGeometry) -> None:
    """Add invisible walls above the bin's: they keep a falling stack inside while it settles."""
    body = spec.body("bin")
    for k, (centre, half) in enumerate(_walls(geometry, 0.05, geometry.size[2], _GUIDE_HEIGHT)):
        body.add_geom(
            name=f"guide_{k}",
            type=_BOX,
            pos=centre,
            size=half,
            group=GROUP_GUIDE,
            rgba=[0, 0, 0, 0],
            friction=[0.1, 0.005, 0.001],
        )


def _add_tote(spec: mujoco.MjSpec, config: SimConfig) -> None:
    """Add the place area: a tote in which objects disappear, so that it never fills."""
    tote = BinGeometry(config.place, (0.30, 0.24, 0.13), config.bin.floor - WALL)
    for k, (centre, half) in enumerate(_walls(tote, 0.006, 0.0, tote.size[2])):
        _static_box(
            spec,
            f"tote_{k}",
            centre + np.array([*tote.centre, tote.floor]),
            half,
            material="tote",
            contype=0,
            conaffinity=0,
        )
    _static_box(  # a dark inside, in which objects disappear from sight
        spec,
        "tote_inside",
        (*tote.centre, tote.floor + 0.06),
        (0.15, 0.12, 0.001),
        rgba=[0.05, 0.07, 0.10, 1],
        contype=0,
        conaffinity=0,
    )


def _add_camera(spec: mujoco.MjSpec, config: SimConfig, T_base_camera: Array) -> None:
    """Add the camera; MuJoCo's camera frame has y up and looks along -z."""
    flip = T_base_camera[:3, :3] @ np.diag([1.0, -1.0, -1.0])
    quat = np.empty(4)
    mujoco.mju_mat2Quat(quat, flip.flatten())
    spec.worldbody.add_camera(
        name="rgbd",
        pos=T_base_camera[:3, 3],
        quat=quat,
        fovy=config.fovy,
        resolution=[config.width, config.height],
    )
    # its housing stands behind the optical centre, so that the camera does not see it
    _static_box(
        spec,
        "camera_housing",
        T_base_camera[:3, 3] - 0.030 * T_base_camera[:3, 2],
        (0.014, 0.050, 0.014),
        material="steel",
        contype=0,
        conaffinity=0,
        quat=quat,
    )


def _add_robot(spec: mujoco.MjSpec, cup_rim_radius: float, meshes: bool) -> None:
    arm = mujoco.MjSpec.from_file(str(ASSETS / "ur5.xml"))
    spec.attach(arm, frame=spec.worldbody.add_frame(), prefix=ARM)
    if meshes:
        arm_meshes.dress(spec, ARM, GROUP_ROBOT, GROUP_COLLISION)
    tool = mujoco.MjSpec.from_file(str(ASSETS / "vacuum_tool.xml"))
    tool.geom("cup_rim").size[0] = cup_rim_radius
    for fold in ("fold_1", "fold_2", "fold_3"):
        tool.geom(fold).size[:2] = 0.85 * cup_rim_radius
    spec.attach(tool, site=spec.site(f"{ARM}flange"), prefix=TOOL)


def add_object(
    spec: mujoco.MjSpec, geometry: BinGeometry, index: int, placement: Placement
) -> None:
    """Add an object, free to move, where it starts."""
    T = geometry.T_base_bin
    yaw = np.array([np.cos(geometry.yaw / 2), 0, 0, np.sin(geometry.yaw / 2)])
    quat = np.empty(4)
    mujoco.mju_mulQuat(quat, yaw, placement.wxyz)
    name = object_name(index)
    body = spec.worldbody.add_body(
        name=name, pos=T[:3, :3] @ placement.position + T[:3, 3], quat=quat
    )
    body.add_freejoint()
    _add_geoms(spec, body, placement.spec)


def _add_weld(spec: mujoco.MjSpec, index: int) -> None:
    """Add the equality, switched off, that binds an object to the cup."""
    weld = spec.add_equality(
        name=weld_name(index),
        type=mujoco.mjtEq.mjEQ_WELD,
        objtype=mujoco.mjtObj.mjOBJ_BODY,
        name1=f"{TOOL}cup",
        name2=object_name(index),
        active=False,
        solref=[0.010, 1.0],
    )
    weld.data = np.array([0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0], dtype=np.float64)


def _add_geoms(spec: mujoco.MjSpec, body: mujoco.MjsBody, thing: ObjectSpec) -> None:
    friction = _ROUGH.get(thing.material, _FRICTION)
    contact = {"friction": friction, "condim": 6, "solref": _SOLREF}
    look = {
        "rgba": thing.rgba,
        "material": _MATERIALS.get(thing.material, "plastic"),
        "density": thing.density,
        "group": GROUP_OBJECT,
    }
    shape = thing.shape
    for k, vertices in enumerate(shape.segments):
        mesh = spec.add_mesh(name=f"{body.name}_{k}")
        mesh.uservert = vertices.flatten()
        if shape.cylinder is None:
            body.add_geom(type=_MESH, meshname=mesh.name, **look, **contact)
        else:
            body.add_geom(type=_MESH, meshname=mesh.name, mass=0, group=GROUP_COLLISION, **contact)
    if shape.cylinder is not None:
        radius, half = shape.cylinder
        body.add_geom(type=_CYLINDER, size=[radius, half, 0], contype=0, conaffinity=0, **look)
        if thing.mass_shift:
            _add_heavy_end(body, thing, radius, half)


def _add_heavy_end(body: mujoco.MjsBody, thing: ObjectSpec, radius: float, half: float) -> None:
    """Shift the centre of mass and mark the heavy end with a white band."""
    mass = thing.density * np.pi * radius**2 * 2 * half
    across = mass * (3 * radius**2 + (2 * half) ** 2) / 12
    body.explicitinertial = True
    body.mass = mass
    body.ipos = [0, 0, thing.mass_shift * 2 * half]
    body.inertia = [across, across, mass * radius**2 / 2]
    body.add_geom(
        type=_CYLINDER,
        pos=[0, 0, np.sign(thing.mass_shift) * half * 0.75],
        size=[radius + 2e-4, half * 0.12, 0],
        rgba=[0.96, 0.96, 0.94, 1],
        contype=0,
        conaffinity=0,
        group=GROUP_OBJECT,
        mass=0,
    )
