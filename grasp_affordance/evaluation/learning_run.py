"""Learning in the simulated cell: pile after pile by the protocol, a step after each attempt."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.cell_description import CellDescription
from grasp_affordance.cell_file import read_cell
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.coarse_views import coarse_views
from grasp_affordance.evaluation.learning_rows import (
    LearningRow,
    LearningTable,
    RunFacts,
    learning_row,
)
from grasp_affordance.evaluation.protocol import ProtocolConfig
from grasp_affordance.evaluation.records import AttemptRow
from grasp_affordance.evaluation.sim_pile import clear_present, stacks_of
from grasp_affordance.learning.online import LearningPolicy
from grasp_affordance.learning.trainer import TrainingReport
from grasp_affordance.papers.suction.policy import PaperPolicy
from grasp_affordance.papers.suction.pretraining import PretrainConfig
from grasp_affordance.policies.policy import View
from grasp_affordance.sim import Hardness, SimCell, SimConfig

OnAttempt = Callable[[LearningRow, GraspAttempt, TrainingReport], None]
Keep = Callable[[GraspAttempt, RunFacts], None]
Logged = tuple[GraspAttempt, RunFacts]

_PILES = 0x1EA2  # tells the piles of learning from those of evaluation


@dataclass(frozen=True)
class LearningRunConfig:
    """Where is learned, and how long.

    Attributes:
        scene: name of a scene; scenes of several stack types interleave them.
        cell: hardness of the simulated cell.
        described: the cell that is simulated.
        attempts: after which the run ends.
        seed: of the cell and its piles.
        protocol: rules of a clearance.
    """

    scene: str = "train"
    cell: str = "realistic"
    attempts: int = 500
    seed: int = 0
    protocol: ProtocolConfig = field(default_factory=ProtocolConfig)
    described: CellDescription = field(default_factory=lambda: read_cell("sim"))

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ConfigError(f"{self.attempts} attempts: nothing to do")


def pretrain_in_cell(
    config: LearningRunConfig, policy: LearningPolicy, pretraining: PretrainConfig
) -> Iterator[float]:
    """Let the paper's learner begin with coarsely labelled views of its cell, unless it has.

    Yields the loss of each view, as often as it is seen: `images` times `epochs`.
    """
    if not pretraining.images or not isinstance(policy, PaperPolicy) or policy.pretrained:
        return
    cell = SimConfig.of(config.described, hardness=Hardness(config.cell), seed=config.seed)
    yield from policy.pretrain(coarse_views(pretraining.images, config.scene, cell), pretraining)


def learn_in_cell(
    config: LearningRunConfig,
    policy: LearningPolicy,
    table: LearningTable,
    on_attempt: OnAttempt | None = None,
    keep: Keep | None = None,
    unlearned: Logged | None = None,
) -> None:
    """Pick and learn until the policy has made the configured number of attempts.

    The executor's loop picks, by the protocol of every evaluation. A run that goes on begins with
    the pile after the one in which it was interrupted.

    Args:
        config: where is learned.
        policy: that learns; one that has learned before goes on.
        table: rows of the attempts so far; gets those that follow.
        on_attempt: told of each attempt and of what the policy learned from it.
        keep: told of each attempt before the policy is: what a kill leaves unlearned has been kept.
        unlearned: an attempt that was kept when a kill came before its training sample. It is
            learned from first; what the making of it cost, nobody knows any more.
    """
    types = stacks_of(config.scene)
    # The stack type of each pile is given when it is built.
    sim_config = SimConfig.of(
        config.described, scene=types[0], hardness=Hardness(config.cell), seed=config.seed
    )
    with SimCell(sim_config) as cell:
        if unlearned is not None:
            _catch_up(policy, unlearned, cell, table, on_attempt)
        number = table.rows[-1].pile + 1 if table.rows else 0
        while policy.attempts < config.attempts:
            rng = lay_out_pile(cell, config.scene, config.seed, number)
            account = _Account(config, policy, table, number, on_attempt, keep)
            clear_present(cell, policy, rng, config.protocol, config.seed, number, account.note)
            number += 1


def lay_out_pile(cell: SimCell, scene: str, seed: int, number: int) -> np.random.Generator:
    """Build pile `number` that a run of this seed learns on; return the generator that goes on."""
    types = stacks_of(scene)
    rng = np.random.default_rng([seed, number, _PILES])
    cell.reset(rng, scene=types[(seed + number) % len(types)])
    return rng


def _catch_up(
    policy: LearningPolicy,
    unlearned: Logged,
    cell: SimCell,
    table: LearningTable,
    on_attempt: OnAttempt | None,
) -> None:
    """Learn from an attempt with its frames as if it had been made just now.

    A policy teaches itself with the view that it has evaluated last, so it evaluates that one
    again.
    """
    attempt, facts = unlearned
    began = time.perf_counter()
    if attempt.before is not None:
        rng = np.random.default_rng(0)  # what it would choose now is of no account
        policy.choose(View(attempt.before, attempt.T_base_camera, cell.bin, cell.cup, rng))
    report = policy.learn(attempt)
    seconds = time.perf_counter() - began
    row = table.append(learning_row(attempt, facts, report.version, report.loss, seconds))
    if on_attempt is not None:
        on_attempt(row, attempt, report)


class _Account:
    """Passes each attempt of one pile to the policy, and the result to table and listener."""

    def __init__(
        self,
        config: LearningRunConfig,
        policy: LearningPolicy,
        table: LearningTable,
        pile: int,
        on_attempt: OnAttempt | None,
        keep: Keep | None,
    ) -> None:
        self._config, self._policy, self._table = config, policy, table
        self._pile, self._on_attempt, self._keep = pile, on_attempt, keep
        self._last = time.perf_counter()

    def note(self, row: AttemptRow, picked: GraspAttempt) -> bool:
        """Learn from an attempt; return whether there are more to make."""
        policy = self._policy
        facts = RunFacts(self._pile, row.stack, policy.exploration, row.decision_seconds)
        attempt = replace(
            picked, index=policy.attempts, policy=policy.name, model_version=policy.version
        )
        if self._keep is not None:
            self._keep(attempt, facts)
        began = time.perf_counter()
        report = policy.learn(attempt)
        now = time.perf_counter()
        done = self._table.append(
            learning_row(attempt, facts, report.version, report.loss, now - began, now - self._last)
        )
        self._last = now
        if self._on_attempt is not None:
            self._on_attempt(done, attempt, report)
        return policy.attempts < self._config.attempts
