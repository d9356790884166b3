"""The physics of one stack: stepping, sleeping, objects' states, parking of what has left."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from grasp_affordance.geometry import Array
from grasp_affordance.sim.piles.objects import ObjectSpec
from grasp_affordance.sim.scene import object_name

CONTROL_STEPS = 2  # physics steps of 4 ms in one control period (125 Hz, as a UR5's)
_PATIENCE = 8.0  # factor on the tolerance of sleeping once a stack takes long
_PARKED_HEIGHT = -6.0  # metres: below the ground, out of every view


@dataclass(frozen=True, eq=False)
class WorldState:
    """Everything that `World.restore` needs; only valid for the model it was taken from."""

    model: mujoco.MjModel
    data: mujoco.MjData
    contype: NDArray[np.int32]
    conaffinity: NDArray[np.int32]
    gravcomp: NDArray[np.float64]
    parked: frozenset[int]


class World:
    """A compiled model with its data.

    Every access to `data` from outside the stepping thread holds `lock`.

    Attributes:
        model, data: of MuJoCo.
        objects: specifications, by object id.
        listeners: called after every control period, under the lock.
    """

    def __init__(
        self, model: mujoco.MjModel, objects: Sequence[ObjectSpec], real_time_factor: float = 0.0
    ) -> None:
        self.model = model
        self.data = mujoco.MjData(model)
        self.objects = tuple(objects)
        self.lock = threading.RLock()
        self._real_time_factor = real_time_factor
        self._next_step = time.monotonic()
        self.listeners: list[Callable[[], None]] = []
        self.period = CONTROL_STEPS * float(model.opt.timestep)
        names = [object_name(i) for i in range(len(self.objects))]
        self._bodies = np.array([model.body(name).id for name in names], dtype=np.intp)
        joints = model.body_jntadr[self._bodies]
        self._qpos = model.jnt_qposadr[joints]
        self._qvel = model.jnt_dofadr[joints]
        self._trees = model.body_treeid[self._bodies]
        self.object_of_body = np.full(model.nbody, -1, dtype=np.int32)
        self.object_of_body[self._bodies] = np.arange(len(self.objects))
        self.object_of_geom = self.object_of_body[model.geom_bodyid]
        self._guides = [g for g in range(model.ngeom) if model.geom(g).name.startswith("guide_")]
        self.parked: set[int] = set()
        mujoco.mj_forward(model, self.data)

    @property
    def time(self) -> float:
        """Simulated seconds since the stack was built."""
        return float(self.data.time)

    @property
    def present(self) -> list[int]:
        """Ids of the objects that are not parked."""
        return [i for i in range(len(self.objects)) if i not in self.parked]

    def step(self, periods: int = 1) -> None:
        """Advance by control periods and tell the listeners after each."""
        for _ in range(periods):
            with self.lock:
                mujoco.mj_step(self.model, self.data, nstep=CONTROL_STEPS)
                for listener in self.listeners:
                    listener()
            if self._real_time_factor:
                self._pace()

    def _pace(self) -> None:
        """Wait until the wall clock has caught up; a late step does not hurry the next ones."""
        now = time.monotonic()
        self._next_step = max(self._next_step + self.period / self._real_time_factor, now)
        time.sleep(self._next_step - now)

    def settle(self, longest: float = 4.0, besides: int = -1) -> bool:
        """Step until every object sleeps, or `longest` seconds; return whether they all do.

        The object `besides` may move. In the second half, contacts that tremble by less than a
        tenth of a millimetre may sleep.
        """
        tolerance = self.model.opt.sleep_tolerance
        periods = round(longest / self.period)
        try:
            for k in range(periods):
                if k == periods // 2:
                    self.model.opt.sleep_tolerance = _PATIENCE * tolerance
                self.step()  # at least once: only a step notices what was moved by hand
                if self.asleep(besides):
                    return True
        finally:
            self.model.opt.sleep_tolerance = tolerance
        return False

    def asleep(self, besides: int = -1) -> bool:
        """Whether every object that is not parked sleeps, `besides` one that may move."""
        objects = [i for i in self.present if i != besides]
        return bool((self.data.tree_asleep[self._trees[objects]] >= 0).all())

    def set_guides(self, present: bool) -> None:
        """Put up or take away the invisible walls that keep a falling stack inside."""
        self.model.geom_contype[self._guides] = int(present)
        self.model.geom_conaffinity[self._guides] = int(present)

    def put(self, object_id: int, position: Array) -> None:
        """Move an object to a position (3,), at rest, in its present orientation."""
        at, v = self._qpos[object_id], self._qvel[object_id]
        self.data.qpos[at : at + 3] = position
        self.data.qvel[v : v + 6] = 0.0

    def body(self, object_id: int) -> int:
        """Return the model's body id of an object."""
        return int(self._bodies[object_id])

    def positions(self) -> Array:
        """Return the objects' origins (N, 3) in the base frame, metres; parked ones far below."""
        return np.array(self.data.xpos[self._bodies])

    def rotations(self) -> Array:
        """Return the objects' rotations (N, 3, 3) to the base frame."""
        return np.array(self.data.xmat[self._bodies]).reshape(-1, 3, 3)

    def centres_of_mass(self) -> Array:
        """Return the objects' centres of mass (N, 3) in the base frame, metres."""
        return np.array(self.data.xipos[self._bodies])

    def masses(self) -> Array:
        """Return the objects' masses (N,), kilograms."""
        return np.array(self.model.body_mass[self._bodies])

    def speeds(self) -> Array:
        """Return the objects' linear speeds (N,), m/s."""
        velocities = self.data.qvel[self._qvel[:, None] + np.arange(3)]
        return np.asarray(np.linalg.norm(velocities, axis=1))

    def lowest(self, object_id: int) -> float:
        """Return the height of an object's lowest point, base frame, metres."""
        body, shape = self.body(object_id), self.objects[object_id].shape
        up = self.data.xmat[body, 6:9]
        if shape.cylinder is not None:
            radius, half_length = shape.cylinder
            reach = np.hypot(up[0], up[1]) * radius + abs(up[2]) * half_length
        else:
            reach = -min(float((segment @ up).min()) for segment in shape.segments)
        return float(self.data.xpos[body, 2] - reach)

    def touching(self, object_id: int) -> set[int]:
        """Return the bodies that an object has contact with (0 is the world: table, ground)."""
        body = self.body(object_id)
        bodies = self.model.geom_bodyid[self.data.contact.geom]
        return set(bodies[bodies[:, 0] == body, 1]) | set(bodies[bodies[:, 1] == body, 0])

    def contacts(self) -> mujoco.MjContact:
        """Return all contacts, also those between sleeping objects, which `data` leaves out."""
        awake = mujoco.MjData(self.model)
        awake.qpos[:] = self.data.qpos
        mujoco.mj_fwdPosition(self.model, awake)
        return awake.contact

    def park(self, object_id: int) -> None:
        """Take an object out of the scene: no contacts, no weight, out of every view."""
        geoms = self.object_of_geom == object_id
        self.model.geom_contype[geoms] = 0
        self.model.geom_conaffinity[geoms] = 0
        self.model.body_gravcomp[self.body(object_id)] = 1.0
        self.put(object_id, np.array([0.2 * object_id, 0.0, _PARKED_HEIGHT]))
        self.parked.add(object_id)

    def snapshot(self) -> WorldState:
        """Return a copy of the physical state."""
        with self.lock:
            data = mujoco.MjData(self.model)
            mujoco.mj_copyData(data, self.model, self.data)
            model = self.model
            return WorldState(
                model,
                data,
                model.geom_contype.copy(),
                model.geom_conaffinity.copy(),
                model.body_gravcomp.copy(),
                frozenset(self.parked),
            )

    def restore(self, state: WorldState) -> None:
        """Go back to a snapshot of this stack.

        Raises:
            ValueError: the snapshot is of another stack.
        """
        if state.model is not self.model:
            raise ValueError("the snapshot was taken before the last reset(): of another stack")
        with self.lock:
            mujoco.mj_copyData(self.data, self.model, state.data)
            self.model.geom_contype[:] = state.contype
            self.model.geom_conaffinity[:] = state.conaffinity
            self.model.body_gravcomp[:] = state.gravcomp
            self.parked = set(state.parked)
