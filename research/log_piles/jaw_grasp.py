"""Physical check of a parallel-jaw grasp: plates come down, close and lift, in MuJoCo."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import mujoco
import numpy as np

from grasp_affordance.geometry import Array, invert
from grasp_affordance.sim import scene
from grasp_affordance.sim.config import SimConfig
from grasp_affordance.sim.piles.appearance import add_bark, add_materials, theme
from grasp_affordance.sim.piles.objects import Material, ObjectSpec, Placement
from grasp_affordance.sim.world import World
from research.log_piles.jaws import ParallelJaws, TopDownGrasp

LIFT = 0.15  # metres
CLEARED = 0.08  # metres that the grasped object has to rise
STIRRED = 0.02  # metres: an object that rose by this was lifted too

_AWAY = 1.0  # height at which the gripper waits, metres
_ABOVE = 0.02  # metres between the highest object and the plates before they come down
_DOWN, _CLOSE, _UP = 0.25, 0.10, 0.20  # metres per second
_HOLD = 0.3  # seconds of pressing before, and of hanging after the lift
_STOPPED = 0.004  # metres: plates that end this much too high came down on something
_HAND, _HEIGHT = "hand", "hand_height"
_PLATES = ("plate_left", "plate_right")


class JawOutcome(StrEnum):
    """How a grasp ended."""

    LIFTED = "lifted"  # one object, alone and clear of everything
    COLLIDED = "collided"  # the plates came down on something
    MISSED = "missed"  # nothing was lifted, or it slipped away
    NOT_ALONE = "not_alone"  # others came too
    NOT_FREE = "not_free"  # it still touches something


@dataclass(frozen=True)
class JawResult:
    """What a grasp did.

    Attributes:
        outcome: how it ended.
        lifted: ids of the objects that rose.
        disturbed: how far another object moved, metres; the largest.
    """

    outcome: JawOutcome
    lifted: tuple[int, ...]
    disturbed: float

    @property
    def succeeded(self) -> bool:
        """Whether one object left the ground alone."""
        return self.outcome is JawOutcome.LIFTED


class JawBench:
    """Objects in the bin, at rest, on which grasps are tried; each starts from the same state."""

    def __init__(
        self,
        objects: Sequence[tuple[ObjectSpec, Array]],
        jaws: ParallelJaws | None = None,
        config: SimConfig | None = None,
    ) -> None:
        """Build the scene and let it rest.

        Args:
            objects: specification and `T_base_object` (4, 4) of each.
            jaws: the gripper.
            config: where the bin stands.
        """
        self.jaws = jaws or ParallelJaws()
        self.bin = (config or SimConfig()).bin
        placements = [_placed(spec, T, self.bin.T_base_bin) for spec, T in objects]
        model = _build(config or SimConfig(), placements, self.jaws)
        self.world = World(model, [spec for spec, _ in objects])
        self._height = model.actuator(_HEIGHT).id
        self._plates = [model.actuator(name).id for name in _PLATES]
        self._plate_joints = [model.joint(name).qposadr[0] for name in _PLATES]
        self._height_joint = model.joint(_HEIGHT).qposadr[0]
        self._hand = model.body(_HAND).id
        self._own = {int(model.body(name).id) for name in _PLATES}
        self._open(self.jaws.maximum_opening)
        self.world.settle(1.0)
        self._rest = self.world.snapshot()

    def grasp(self, grasp: TopDownGrasp) -> JawResult:
        """Try a grasp at the objects as they rest."""
        world, model = self.world, self.world.model
        world.restore(self._rest)
        before = world.positions()
        tip = grasp.tip_height(self.jaws, self.bin.floor)
        start = max(self._top() + _ABOVE, tip)
        model.body_pos[self._hand] = [*grasp.position[:2], start]
        model.body_quat[self._hand] = [np.cos(grasp.yaw / 2), 0, 0, np.sin(grasp.yaw / 2)]
        opening = self.jaws.opened(grasp.opening)
        self._open(opening)
        mujoco.mj_forward(model, world.data)
        self._move(self._height, 0.0, tip - start, _DOWN)
        collided = start + world.data.qpos[self._height_joint] > tip + _STOPPED
        if collided:
            return JawResult(JawOutcome.COLLIDED, (), self._moved(before, ()))
        self._close(opening / 2)
        self._wait(_HOLD)
        self._move(self._height, tip - start, tip - start + LIFT, _UP)
        self._wait(_HOLD)
        return self._evaluated(before)

    def _evaluated(self, before: Array) -> JawResult:
        rise = self.world.positions()[:, 2] - before[:, 2]
        lifted = tuple(int(i) for i in np.flatnonzero(rise > STIRRED))
        high = [i for i in lifted if rise[i] > CLEARED]
        moved = self._moved(before, lifted)
        if not high:
            return JawResult(JawOutcome.MISSED, lifted, moved)
        if len(lifted) > 1:
            return JawResult(JawOutcome.NOT_ALONE, lifted, moved)
        free = self.world.touching(high[0]) <= self._own
        return JawResult(JawOutcome.LIFTED if free else JawOutcome.NOT_FREE, lifted, moved)

    def _moved(self, before: Array, lifted: Sequence[int]) -> float:
        steps = np.linalg.norm(self.world.positions() - before, axis=1)
        return float(np.delete(steps, list(lifted)).max(initial=0.0))

    def _top(self) -> float:
        """Upper bound of the highest object's top, metres."""
        sizes = np.array([max(spec.shape.size[:2]) / 2 for spec in self.world.objects])
        rotations = self.world.rotations()
        halves = np.array([spec.shape.size[2] / 2 for spec in self.world.objects])
        tops = self.world.positions()[:, 2] + sizes + halves * np.abs(rotations[:, 2, 2])
        return float(tops.max(initial=self.bin.floor))

    def _open(self, opening: float) -> None:
        data = self.world.data
        data.qpos[self._plate_joints] = opening / 2
        data.ctrl[self._plates] = opening / 2
        data.qpos[self._height_joint] = 0.0
        data.ctrl[self._height] = 0.0

    def _move(self, actuator: int, start: float, end: float, speed: float) -> None:
        periods = max(1, round(abs(end - start) / speed / self.world.period))
        for k in range(periods):
            self.world.data.ctrl[actuator] = start + (end - start) * (k + 1) / periods
            self.world.step()
        self._wait(0.1)

    def _close(self, half: float) -> None:
        periods = max(1, round(half / _CLOSE / self.world.period))
        for k in range(periods):
            self.world.data.ctrl[self._plates] = half * (1 - (k + 1) / periods)
            self.world.step()

    def _wait(self, seconds: float) -> None:
        self.world.step(round(seconds / self.world.period))


def _placed(spec: ObjectSpec, T_base_object: Array, T_base_bin: Array) -> Placement:
    T = invert(T_base_bin) @ T_base_object
    quat = np.empty(4)
    mujoco.mju_mat2Quat(quat, np.ascontiguousarray(T[:3, :3]).flatten())
    return Placement(spec, T[:3, 3], quat)


def _build(
    config: SimConfig, placements: Sequence[Placement], jaws: ParallelJaws
) -> mujoco.MjModel:
    spec = mujoco.MjSpec.from_file(str(scene.ASSETS / "cell.xml"))
    add_materials(spec, theme("logs"))
    if any(placement.spec.material is Material.BARK for placement in placements):
        add_bark(spec)
    scene.add_table(spec, config)
    scene.add_bin(spec, config.bin)
    for index, placement in enumerate(placements):
        scene.add_object(spec, config.bin, index, placement)
    _add_hand(spec, jaws)
    model = spec.compile()
    scene.damp_objects(model, len(placements))
    return model


def _add_hand(spec: mujoco.MjSpec, jaws: ParallelJaws) -> None:
    """Add the gripper: it slides up and down, its plates slide apart and stay symmetric."""
    slide = mujoco.mjtJoint.mjJNT_SLIDE
    hand = spec.worldbody.add_body(name=_HAND, pos=[0, 0, _AWAY], gravcomp=1.0)
    hand.mass, hand.inertia, hand.explicitinertial = 1.0, [1e-3] * 3, True
    hand.add_joint(name=_HEIGHT, type=slide, axis=[0, 0, 1])
    half = [jaws.plate_length / 2, jaws.plate_thickness / 2, jaws.plate_height / 2]
    for name, side in zip(_PLATES, (1.0, -1.0), strict=True):
        plate = hand.add_body(name=name, gravcomp=1.0)
        plate.add_joint(name=name, type=slide, axis=[0, side, 0])
        plate.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=[0, side * half[1], half[2]],
            size=half,
            mass=0.1,
            friction=[jaws.friction, 0.005, 0.001],
            condim=6,
            material="steel",
            group=scene.GROUP_ROBOT,
        )
        _add_drive(spec, name, jaws.force, stiffness=2e4)
    _add_drive(spec, _HEIGHT, 80.0, stiffness=2e4)
    spec.add_equality(
        type=mujoco.mjtEq.mjEQ_JOINT,
        objtype=mujoco.mjtObj.mjOBJ_JOINT,
        name1=_PLATES[0],
        name2=_PLATES[1],
        data=[0, 1, *[0] * 10],
    )
    spec.add_exclude(bodyname1=_PLATES[0], bodyname2=_PLATES[1])


def _add_drive(spec: mujoco.MjSpec, joint: str, force: float, stiffness: float) -> None:
    """Add a position servo of limited force to a joint, under the joint's name."""
    damping = 2 * np.sqrt(stiffness)  # critical for 1 kg
    drive = spec.add_actuator(
        name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT, forcerange=[-force, force]
    )
    drive.set_to_position(kp=stiffness, kv=damping)
