"""The true state of a stack, for the oracle policy, for scoring and for tests."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.attempt import Cause
from grasp_affordance.cell import Cup
from grasp_affordance.geometry import Array
from grasp_affordance.sim.cup import seal
from grasp_affordance.sim.cup.seal import Seal, SealRule
from grasp_affordance.sim.piles.objects import ObjectSpec
from grasp_affordance.sim.vision.camera import SimCamera
from grasp_affordance.sim.world import World


@dataclass(frozen=True, eq=False)
class ObjectState:
    """One object as it lies.

    Attributes:
        object_id: as in `Oracle.true_masks`.
        T_base_object: (4, 4).
        centre_of_mass: (3,) base frame, metres.
        mass: kilograms.
        under: ids of the objects that lie on it.
        spec: shape, material and hidden properties.
    """

    object_id: int
    T_base_object: Array
    centre_of_mass: Array
    mass: float
    under: tuple[int, ...]
    spec: ObjectSpec


class Oracle:
    """Asks the simulator what no camera shows."""

    def __init__(self, world: World, camera: SimCamera, cup: Cup, rule: SealRule) -> None:
        self._world, self._camera, self._cup, self._rule = world, camera, cup, rule

    @property
    def T_base_camera(self) -> Array:
        """(4, 4): the true pose of the camera."""
        return self._camera.T_base_camera_true.copy()

    def true_masks(self) -> NDArray[np.int32]:
        """Return the object id (H, W) of every pixel, -1 where there is none."""
        return self._camera.object_ids()

    def true_depth(self) -> NDArray[np.float32]:
        """Return the depth (H, W) without a sensor's flaws, metres."""
        return self._camera.render()[1]

    def seal_at(self, position_base: Array, approach: Array, reach: float = 0.030) -> Seal:
        """Evaluate a cup that comes down through a point (3,) along `approach` (3,), base frame.

        `reach` is how far below the point the first contact may lie, metres.
        """
        position, direction = np.asarray(position_base), np.asarray(approach)
        with self._world.lock:
            return seal.seal_at(self._world, position, direction, self._cup, self._rule, reach)

    def lies_on(self) -> dict[int, tuple[int, ...]]:
        """Return for every present object the ids of those that press on it from above."""
        world = self._world
        with world.lock:
            contact = world.contacts()
            heights = world.positions()[:, 2]
        pairs = world.object_of_geom[contact.geom]
        normals = np.array(contact.frame).reshape(-1, 9)[:, :3]
        above: dict[int, set[int]] = {i: set() for i in world.present}
        for (first, second), normal in zip(pairs, normals, strict=True):
            if first < 0 or second < 0 or abs(normal[2]) < 0.3:
                continue
            upper, lower = (first, second) if heights[first] > heights[second] else (second, first)
            if lower in above:
                above[int(lower)].add(int(upper))
        return {i: tuple(sorted(s)) for i, s in above.items()}

    def objects(self) -> list[ObjectState]:
        """Return the objects that are still in the bin."""
        world = self._world
        on = self.lies_on()
        with world.lock:
            positions, rotations = world.positions(), world.rotations()
            centres, masses = world.centres_of_mass(), world.masses()
        states = []
        for i in world.present:
            T = np.eye(4)
            T[:3, :3], T[:3, 3] = rotations[i], positions[i]
            states.append(ObjectState(i, T, centres[i], float(masses[i]), on[i], world.objects[i]))
        return states

    def uppermost(self) -> int:
        """Return the highest object on which nothing lies; the highest if all are covered."""
        states = self.objects()
        free = [state for state in states if not state.under] or states
        return max(free, key=lambda state: state.centre_of_mass[2]).object_id

    def predicted_cause(self, position_base: Array, approach: Array) -> Cause:
        """Return the cause for which a pick would fail at the seal; NONE if it would not."""
        return self.seal_at(position_base, approach).cause
