"""Piles in the simulator: which ones a scene consists of, and how each is cleared."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from grasp_affordance.annotation.removal_check import DepthRemovalCheck
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.make_policy import make_policy
from grasp_affordance.evaluation.protocol import OnAttempt, ProtocolConfig, clear_pile
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.evaluation.runner import RunConfig
from grasp_affordance.policies.policy import Policy
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from grasp_affordance.sim.piles.stacks import FAMILIES, FULL, SCENES, TRAINING

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
    policy = make_policy(
        config.policy,
        weights=config.weights,
        truth=cell.oracle,
        min_probability=config.min_probability,
        device=config.device,
    )
    rng = np.random.default_rng([seed, index, zlib.crc32(policy.name.encode())])
    return clear_present(cell, policy, rng, config.protocol, seed, index)


def clear_present(
    cell: SimCell,
    policy: Policy,
    rng: np.random.Generator,
    config: ProtocolConfig,
    seed: int = 0,
    index: int = 0,
    on_attempt: OnAttempt | None = None,
) -> tuple[Clearance, list[AttemptRow]]:
    """Clear the pile that lies in a simulated cell by any policy; see `clear_pile`.

    Views are compared around each pick, as the executor node does by default.
    """
    check_removal, truth = DepthRemovalCheck(), SimTruth(cell)
    parts = cell.as_cell()
    return clear_pile(parts, policy, rng, config, truth, seed, index, on_attempt, check_removal)


class SimTruth:
    """`protocol.Truth` of a simulated cell.

    Objects on which no cup can ever seal do not count: no policy could empty a bin of them.
    """

    def __init__(self, sim: SimCell) -> None:
        """Count in the stack that lies in the cell."""
        self._sim = sim

    @property
    def stack(self) -> str:
        """Return the type of the stack."""
        return self._sim.stack

    def left(self) -> int:
        """Return how many objects that a cup can seal on are in the bin."""
        return self._sim.pickable_left()

    def lost(self) -> int:
        """Return how many of them fell beside bin and place area in the last pick."""
        return sum(not self._sim.world.objects[i].porous for i in self._sim.truth().lost)

    def lifted(self) -> bool:
        """Return whether an object hung clear of everything in the last pick."""
        return self._sim.truth().lifted_clear
