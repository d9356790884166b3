"""Watches one pick after the other and says what really happened."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.attempt import Cause, Outcome
from grasp_affordance.geometry import Array
from grasp_affordance.sim.config import SimConfig
from grasp_affordance.sim.cup.suction import Suction
from grasp_affordance.sim.robot.arm import SimArm
from grasp_affordance.sim.world import World

_DRAGGED = 0.010  # metres
_TOTE_HALF = (0.16, 0.13)  # metres: what falls here has been placed
_EVERY = 4  # control periods between looks at the place area
_TOTE_HEIGHT = 0.10  # metres above the floor at which it disappears


@dataclass(frozen=True)
class AttemptTruth:
    """The simulator's ground truth of the pick since the last `gripper.grasp()`.

    Attributes:
        outcome: SUCCESS if exactly one object was carried out and released over the place area.
        cause: NONE, or the true cause.
        object_id: touched or sealed first; -1 for none.
        lifted: ids of all objects that left the bin with the cup.
        dragged: ids of other objects that moved by more than 10 mm.
        lifted_clear: whether an object hung free of everything else above the bin.
        placed: whether it was released over the place area.
        lost: ids of objects that fell beside bin and place area.
    """

    outcome: Outcome
    cause: Cause
    object_id: int = -1
    lifted: tuple[int, ...] = ()
    dragged: tuple[int, ...] = ()
    lifted_clear: bool = False
    placed: bool = False
    lost: tuple[int, ...] = ()


class AttemptMonitor:
    """Keeps account of the objects during an attempt and empties the place area.

    Attributes:
        taken: ids of the objects that reached the place area in this attempt.
        lost: ids of the objects that fell beside bin and place area in this attempt.
    """

    def __init__(self, config: SimConfig, world: World, suction: Suction, arm: SimArm) -> None:
        self._config, self._world, self._suction, self._arm = config, world, suction, arm
        self._place = np.array([*config.place, config.bin.floor])
        self.begin()

    def begin(self) -> None:
        """A new attempt: remember where everything lies."""
        self._before: Array = self._world.positions()
        self._present = list(self._world.present)
        self._periods = 0
        self._released = -1
        self._released_outside = False
        self.taken: list[int] = []
        self.lost: list[int] = []
        self._arm.collided = False

    def note_release(self) -> None:
        """The gripper lets go of what it holds."""
        held = self._suction.attached
        if held >= 0:
            position = self._world.positions()[held]
            self._released = held
            self._released_outside = not self._config.bin.contains(position, margin=-0.02)

    def update(self) -> None:
        """Let objects disappear in the place area; runs after every control period."""
        self._periods += 1
        if self._periods % _EVERY:
            return
        offset = self._world.positions() - self._place
        inside = (
            (np.abs(offset[:, 0]) < _TOTE_HALF[0])
            & (np.abs(offset[:, 1]) < _TOTE_HALF[1])
            & (offset[:, 2] < _TOTE_HEIGHT)
            & (offset[:, 2] > -1.0)
        )
        for object_id in np.flatnonzero(inside):
            if object_id != self._suction.attached and int(object_id) not in self._world.parked:
                self._world.park(int(object_id))
                self.taken.append(int(object_id))

    def remove_lost(self) -> list[int]:
        """Take away what lies outside the bin; return the ids."""
        positions = self._world.positions()
        out = [
            i
            for i in self._world.present
            if not self._config.bin.contains(positions[i], margin=-0.02)
            and i != self._suction.attached
        ]
        for object_id in out:
            self._world.park(object_id)
        self.lost += [i for i in out if i != self._released]
        if self._released in out:
            self.taken.append(self._released)
        return out

    def truth(self) -> AttemptTruth:
        """Return what has happened since `begin`."""
        suction, world = self._suction, self._world
        seal = suction.seal
        released = {self._released} if self._released_outside else set()
        lifted = sorted({*self.taken, *self.lost} | released)
        positions = world.positions()
        moved = np.linalg.norm(positions - self._before, axis=1)
        touched = seal.object_id if seal is not None else -1
        dragged = tuple(
            i
            for i in self._present
            if i not in lifted
            and i not in world.parked
            and i != suction.attached
            and moved[i] > _DRAGGED
            and i != touched
        )
        outcome, cause = self._result(lifted)
        return AttemptTruth(
            outcome=outcome,
            cause=cause,
            object_id=touched,
            lifted=tuple(lifted),
            dragged=dragged,
            lifted_clear=suction.hung_free,
            placed=self._released_outside,
            lost=tuple(self.lost),
        )

    def _result(self, lifted: list[int]) -> tuple[Outcome, Cause]:
        suction = self._suction
        if self._released_outside:
            if len(lifted) > 1:
                return Outcome.FAILURE, Cause.DOUBLE_PICK
            return Outcome.SUCCESS, Cause.NONE
        if suction.attached >= 0:
            return Outcome.UNCERTAIN, Cause.NONE  # it still hangs on the cup
        if suction.broken is not Cause.NONE:
            return Outcome.FAILURE, suction.broken
        if self._arm.collided:
            return Outcome.FAILURE, Cause.COLLISION
        if self._released >= 0:
            return Outcome.FAILURE, Cause.DROPPED  # let go over the bin
        if suction.seal is None:
            return Outcome.FAILURE, Cause.NO_CONTACT
        return Outcome.FAILURE, suction.seal.cause
