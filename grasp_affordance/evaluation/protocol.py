"""One clearance: the protocol by which all policies are measured (docs/results.md says why)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.cell import BinGeometry, Cup
from grasp_affordance.errors import ConfigError
from grasp_affordance.evaluation.records import AttemptRow, Clearance, count_rows
from grasp_affordance.execution.memory import FailureMemory
from grasp_affordance.execution.picker import MemoryConfig
from grasp_affordance.geometry import transform_points
from grasp_affordance.policies.policy import Policy, View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import SuctionPoint


@dataclass(frozen=True)
class ProtocolConfig:
    """The rules that move results; one set for all policies.

    Attributes:
        failure_cap: consecutive fruitless tries (failures, refused points, abstentions) after
            which the pile counts as not cleared and what is left in it as not picked.
        memory: failed points remembered per pile, as many as the executor remembers.
        memory_radius: metres around them in which nothing may be proposed, as in the executor.
    """

    failure_cap: int = 10
    memory: int = MemoryConfig.size
    memory_radius: float = MemoryConfig.radius

    def __post_init__(self) -> None:
        if self.failure_cap < 1 or self.memory < 1 or not 0 <= self.memory_radius < 0.1:
            raise ConfigError(
                f"failure cap {self.failure_cap} and memory {self.memory} must be at least 1, "
                f"memory radius {self.memory_radius} m in [0, 0.1)"
            )


@dataclass(frozen=True, eq=False)
class Picked:
    """One pick and what it did, truly.

    Attributes:
        attempt: carries the sensed and, unless it was refused or broke off, the true outcome.
        lifted: whether an object hung clear of everything.
        placed: objects that it brought to the place area.
    """

    attempt: GraspAttempt
    lifted: bool
    placed: int


class Pile(Protocol):
    """A settled pile in a cell, with the true counts that scoring needs."""

    stack: str
    bin: BinGeometry
    cup: Cup

    def look(self) -> tuple[RgbdFrame, NDArray[np.float64]]:
        """Return a fresh frame and `T_base_camera` (4, 4) as calibrated."""

    def pick(self, point: SuctionPoint, frame: RgbdFrame) -> Picked:
        """Pick at a point of the frame; the pile is at rest again afterwards."""

    def in_bin(self) -> int:
        """Return how many objects are in the bin that can be picked at all, truly."""

    def clock(self) -> float:
        """Return the cell's time in seconds."""


OnAttempt = Callable[[AttemptRow, Picked], bool]  # returns whether to go on


class _Tally:
    """What happens during one clearance."""

    def __init__(self, on_attempt: OnAttempt | None) -> None:
        self.on_attempt = on_attempt
        self.going = True
        self.rows: list[AttemptRow] = []
        self.refusals = 0
        self.abstentions = 0
        self.fruitless = 0  # in a row


def clear_pile(
    pile: Pile,
    policy: Policy,
    rng: np.random.Generator,
    config: ProtocolConfig,
    seed: int = 0,
    index: int = 0,
    on_attempt: OnAttempt | None = None,
) -> tuple[Clearance, list[AttemptRow]]:
    """Pick until the bin is empty or the cap is reached; return the counts and a row per attempt.

    Somebody who learns is told of each attempt by `on_attempt`, and may end the clearance.

    When nothing is left to propose but points near remembered ones, these may be proposed again,
    and the policy, still told of what failed, is asked once more. If it abstains then, that counts
    as fruitless.
    """
    memory = FailureMemory(config.memory, config.memory_radius, index)
    tally = _Tally(on_attempt)
    objects, started, wall = pile.in_bin(), pile.clock(), time.perf_counter()
    while pile.in_bin() > 0 and tally.fruitless < config.failure_cap and tally.going:
        frame, T_base_camera = pile.look()
        view = View(frame, T_base_camera, pile.bin, pile.cup, rng, memory.failures)
        asked = time.perf_counter()
        point = memory.first_allowed(policy.choose(view).points, T_base_camera)
        decision_seconds = time.perf_counter() - asked
        if point is not None:
            _try_point(pile, point, view, memory, tally, (seed, index), decision_seconds)
        elif not memory.forgive():
            tally.abstentions += 1
            tally.fruitless += 1
    clearance = Clearance(
        seed=seed,
        index=index,
        stack=pile.stack,
        objects=objects,
        placed=sum(row.placed for row in tally.rows),
        left=pile.in_bin(),
        refusals=tally.refusals,
        abstentions=tally.abstentions,
        seconds=pile.clock() - started,
        wall_seconds=time.perf_counter() - wall,
        **count_rows(tally.rows),
    )
    return clearance, tally.rows


def _try_point(
    pile: Pile,
    point: SuctionPoint,
    view: View,
    memory: FailureMemory,
    tally: _Tally,
    key: tuple[int, int],
    decision_seconds: float,
) -> None:
    began = pile.clock()
    picked = pile.pick(point, view.frame)
    attempt = picked.attempt
    point_base = transform_points(view.T_base_camera, point.position)
    if attempt.outcome is Outcome.ABORTED and not attempt.phases:  # refused, nothing moved
        tally.refusals += 1
        tally.fruitless += 1
        memory.refuse(point_base)
        return
    row = AttemptRow(
        *key,
        attempt=len(tally.rows),
        stack=pile.stack,
        u=point.u,
        v=point.v,
        x=float(point_base[0]),
        y=float(point_base[1]),
        z=float(point_base[2]),
        probability=point.probability,
        source=str(point.source),
        outcome=str(attempt.outcome),
        cause=str(attempt.cause),
        true_outcome=str(attempt.true_outcome or attempt.outcome),
        true_cause=str(attempt.true_cause or attempt.cause),
        lifted=picked.lifted,
        placed=picked.placed,
        seconds=pile.clock() - began,
        decision_seconds=decision_seconds,
    )
    tally.rows.append(row)
    tally.fruitless = 0 if row.succeeded else tally.fruitless + 1
    if not row.sensed_success:  # a real cell knows only what it senses
        memory.add(point_base)
    if tally.on_attempt is not None:
        tally.going = tally.on_attempt(row, picked)
