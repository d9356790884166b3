"""The prior and the oracle on the piles of an experiment: those learned on, and those of the tests.

A learned result is only worth something beside what needs no learning on the very same piles, and
beside what is possible at all.
"""

import fcntl
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grasp_affordance.evaluation import runner
from grasp_affordance.evaluation.learning_rows import read_learning_rows
from grasp_affordance.evaluation.learning_run import lay_out_pile
from grasp_affordance.evaluation.make_policy import make_policy
from grasp_affordance.evaluation.protocol import clear_pile
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.evaluation.runner import RunConfig
from grasp_affordance.evaluation.sim_pile import SimPile, clear_simulated_pile, stacks_of
from grasp_affordance.evaluation.store import piles_done, read_report
from grasp_affordance.sim import Hardness, SimCell, SimConfig
from research.experiments.arms import Experiment

LIVE, TEST = "live", "test"
"""Kinds of piles: those that a run learns on, and those of `grasp-affordance evaluate`."""

POLICIES = {LIVE: ("prior", "oracle"), TEST: ("prior", "prior_abstaining", "oracle")}
"""What is measured on either kind."""

OBJECTS = 20  # of a pile of the training scene; in the progress a pile is so many attempts


@dataclass(frozen=True)
class ReferenceJob:
    """A policy that does not learn, on the piles of one seed.

    Attributes:
        kind: `LIVE` or `TEST`.
        policy, scene, cell, seed: as in an evaluation.
        piles: to clear, from the first; of live ones, about.
        results: folder of the reports. work: of locks.
        tables: of the runs that learn on these piles; they decide how many live ones there are.
    """

    kind: str
    policy: str
    scene: str
    cell: str
    seed: int
    piles: int
    results: Path
    work: Path
    tables: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """Return its name, unique in an experiment."""
        where = "while learning" if self.kind == LIVE else f"in {self.scene}"
        return f"{self.policy} {where}, {self.cell} cell, seed {self.seed}"

    @property
    def output(self) -> Path:
        """Return the path of the report."""
        return self.results / reference_file(
            self.kind, self.cell, self.scene, self.policy, self.seed
        )

    @property
    def needed(self) -> int:
        """Return the number of piles to clear, as far as is known now."""
        begun = [count_piles(table) for table in self.tables if table.exists()]
        return max(begun, default=self.piles)

    @property
    def complete(self) -> bool:
        """Whether all piles are cleared that are needed now."""
        return self.output.exists() and len(read_report(self.output)["clearances"]) >= self.needed

    def run(self) -> None:
        """Clear the piles that no experiment has needed so far."""
        with _alone(self.work / f"{self.output.name}.lock"):
            if self.complete:
                return
            clear: Callable[[RunConfig, int, int], tuple[Clearance, list[AttemptRow]]]
            clear = clear_learning_pile if self.kind == LIVE else clear_simulated_pile
            config = RunConfig(self.policy, self.scene, self.cell)
            runner.run(config, [self.seed], self.needed, self.output, clear, resume=True)

    def progress(self) -> tuple[float, float]:
        """Return how much is done of how much, in attempts."""
        done = min(piles_done(self.output), self.piles)
        return float(OBJECTS * done), float(OBJECTS * self.piles)


def reference_file(kind: str, cell: str, scene: str, policy: str, seed: int) -> str:
    """Return the name of the report of a reference."""
    return f"{kind}-{cell}-{scene}-{policy}-seed{seed}.json"


def references_of(
    experiment: Experiment, seed: int, tables: Mapping[str, Path], results: Path, work: Path
) -> list[ReferenceJob]:
    """Return the references of one seed: for every cell of the experiment, live and for each test.

    Args:
        tables: arm -> the attempts of its run.
    """
    live = -(-experiment.attempts // OBJECTS)
    jobs = []
    for cell in dict.fromkeys(arm.cell for arm in experiment.arms.values()):
        arms = [name for name, arm in experiment.arms.items() if arm.cell == cell]
        learned_on = tuple(tables[arm] for arm in arms)
        for policy in POLICIES[LIVE]:
            at = (policy, experiment.scene, cell, seed)
            jobs.append(ReferenceJob(LIVE, *at, live, results, work, learned_on))
        for scene, piles in experiment.tests.items():
            for policy in POLICIES[TEST]:
                at = (policy, scene, cell, seed)
                jobs.append(ReferenceJob(TEST, *at, piles, results, work))
    return jobs


def count_piles(table: Path) -> int:
    """Return on how many piles the run of a table of attempts, growing perhaps, has learned."""
    rows = read_learning_rows(table)
    return rows[-1].pile + 1 if rows else 0


def clear_learning_pile(
    config: RunConfig, seed: int, index: int
) -> tuple[Clearance, list[AttemptRow]]:
    """Clear pile `index` that a run of this seed learns on, by a policy that does not learn."""
    stack = stacks_of(config.scene)[0]
    with SimCell(SimConfig(scene=stack, hardness=Hardness(config.cell), seed=seed)) as cell:
        lay_out_pile(cell, config.scene, seed, index)
        pile = SimPile(cell)
        policy = make_policy(config.policy, truth=cell.oracle)
        rng = np.random.default_rng([seed, index, zlib.crc32(policy.name.encode())])
        return clear_pile(pile, policy, rng, config.protocol, seed, index)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process makes the same report: experiments share references."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
