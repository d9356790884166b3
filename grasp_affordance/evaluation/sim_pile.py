"""Piles in the simulator: which ones a scene consists of, and the protocol's view of each."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.make_policy import make_policy
from grasp_affordance.evaluation.protocol import Picked, clear_pile
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.evaluation.runner import RunConfig
from grasp_affordance.execution.pick import pick
from grasp_affordance.execution.plan import PickConfig
from grasp_affordance.execution.recovery import recover
from grasp_affordance.policies.policy import View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.sim.piles.stacks import FAMILIES, FULL, SCENES, TRAINING
from grasp_affordance.suction import SuctionPoint

MIXED_SCENES = {
    "train": TRAINING,
    "heldout": FAMILIES,
    # For weights that shall serve anywhere; full bins are where abstention is hardest to evaluate.
    "all": (*TRAINING, FULL, *FAMILIES, FULL),
}


def stacks_of(scene: str) -> Sequence[str]:
    """Return the stack types that a scene interleaves.

    Raises:
        ConfigError: the scene is unknown.
    """
    if scene in MIXED_SCENES:
        return MIXED_SCENES[scene]
    if scene not in SCENES:
        known = ", ".join([*MIXED_SCENES, *SCENES])
        raise ConfigError(f"scene '{scene}' is unknown; use one of {known}")
    return (scene,)


def check_cell(hardness: str) -> None:
    """Refuse an unknown hardness.

    Raises:
        ConfigError: says which there are.
    """
    if hardness not in list(Hardness):
        raise ConfigError(f"hardness '{hardness}' is unknown; use one of {', '.join(Hardness)}")


@contextmanager
def cell_with_pile(config: RunConfig, seed: int, index: int) -> Iterator[SimCell]:
    """Open the cell of a seed with pile `index` of a scene in it."""
    types = stacks_of(config.scene)
    stack = types[(seed + index) % len(types)]
    sim = SimConfig.of(
        config.described,
        scene=stack,
        hardness=Hardness(config.cell),
        seed=seed,
        objects=config.objects,
    )
    with SimCell(sim) as cell:
        cell.reset(np.random.default_rng([seed, index, 0x9112]))
        yield cell


def clear_simulated_pile(
    config: RunConfig, seed: int, index: int
) -> tuple[Clearance, list[AttemptRow]]:
    """Clear pile `index` of a seed by the protocol.

    The seed is that of the cell: its calibration error stays the same for all its piles, as in a
    real cell. The pile follows from seed and index alone, the policy's own draws from these and
    its name.
    """
    with cell_with_pile(config, seed, index) as cell:
        return clear_in(cell, config, seed, index)


def clear_in(
    cell: SimCell, config: RunConfig, seed: int, index: int
) -> tuple[Clearance, list[AttemptRow]]:
    """Clear the pile that lies in a cell; see `clear_simulated_pile`."""
    pile = SimPile(cell)
    policy = make_policy(
        config.policy,
        weights=config.weights,
        truth=cell.oracle,
        works=pile.works,
        min_probability=config.min_probability,
        device=config.device,
    )
    rng = np.random.default_rng([seed, index, zlib.crc32(policy.name.encode())])
    return clear_pile(pile, policy, rng, config.protocol, seed, index)


class SimPile:
    """The present stack of a simulated cell, as the protocol sees it.

    Objects on which no cup can ever seal do not count: no policy could empty a bin of them.
    """

    def __init__(self, sim: SimCell, *, look_back: bool = False) -> None:
        """Take the stack that lies in the cell; with `look_back`, a view follows each pick."""
        self._sim, self._look_back = sim, look_back
        self._cell = sim.as_cell()
        self._config = PickConfig()
        self.stack = sim.stack
        self.bin = sim.bin
        self.cup = sim.cup

    def look(self) -> tuple[RgbdFrame, NDArray[np.float64]]:
        """Return a fresh frame and the calibrated pose of the camera."""
        return self._sim.camera.read(), self._sim.camera.pose()

    def pick(self, point: SuctionPoint, frame: RgbdFrame) -> Picked:
        """Pick, let the pile come to rest, and count what has left it."""
        before = self._sim.pickable_left()
        attempt = self._pick(point, frame)
        if self._look_back and attempt.outcome is not Outcome.ABORTED:
            attempt = replace(attempt, after=self._sim.camera.read())
        truth = self._sim.truth()
        lost = sum(not self._sim.world.objects[i].porous for i in truth.lost)
        placed = before - self._sim.pickable_left() - lost
        return Picked(attempt, lifted=truth.lifted_clear, placed=placed)

    def works(self, point: SuctionPoint, view: View) -> bool:
        """Try a pick in the physics, then put everything back as it was."""
        state = self._sim.snapshot()
        attempt = self._pick(point, view.frame)
        self._sim.restore(state)
        return attempt.true_outcome is Outcome.SUCCESS

    def in_bin(self) -> int:
        """Return how many objects that a cup can seal on are in the bin."""
        return self._sim.pickable_left()

    def clock(self) -> float:
        """Return simulated seconds."""
        return self._sim.time

    def _pick(self, point: SuctionPoint, frame: RgbdFrame) -> GraspAttempt:
        T_base_camera = self._sim.camera.pose()
        attempt = pick(self._cell, point, T_base_camera, self._config, before=frame)
        if attempt.outcome is Outcome.ABORTED and attempt.phases:
            recover(self._cell, self._config)
        self._sim.resettle()
        return attempt
