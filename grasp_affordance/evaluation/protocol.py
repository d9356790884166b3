"""One clearance: the executor's continuous picking, counted (docs/results.md has the rules)."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from grasp_affordance.attempt import GraspAttempt, Outcome
from grasp_affordance.cell import Cell
from grasp_affordance.errors import GraspAffordanceError
from grasp_affordance.evaluation.records import CLEARED, AttemptRow, Clearance, count_rows
from grasp_affordance.execution.cancellation import Cancellation
from grasp_affordance.execution.continuous import ContinuousConfig, End, pick_continuously
from grasp_affordance.execution.memory import FailureMemory
from grasp_affordance.execution.outcome import RemovalCheck
from grasp_affordance.execution.picker import MemoryConfig, Picker, PickReport
from grasp_affordance.execution.proposal import Proposal
from grasp_affordance.geometry import transform_points
from grasp_affordance.policies.policy import Policy, View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures, Rejection, Selection


@dataclass(frozen=True)
class ProtocolConfig:
    """The rules that move results; one set for all policies.

    Attributes:
        continuous: when a pile is handed back; what is left in it counts as not picked.
        memory: of failed points, as in the executor.
    """

    continuous: ContinuousConfig = field(default_factory=lambda: ContinuousConfig(failure_cap=10))
    memory: MemoryConfig = field(default_factory=MemoryConfig)


class Truth(Protocol):
    """What only a simulator knows of a pile; it is for counting, and decides no pick."""

    @property
    def stack(self) -> str:
        """Return the type of the pile."""

    def left(self) -> int:
        """Return how many objects that can be picked at all are in the bin."""

    def lost(self) -> int:
        """Return how many of them fell beside bin and place area in the last pick."""

    def lifted(self) -> bool:
        """Return whether an object hung clear of everything in the last pick."""


OnAttempt = Callable[[AttemptRow, GraspAttempt], bool]  # returns whether to go on


def clear_pile(
    cell: Cell,
    policy: Policy,
    rng: np.random.Generator,
    config: ProtocolConfig,
    truth: Truth,
    seed: int = 0,
    index: int = 0,
    on_attempt: OnAttempt | None = None,
    check_removal: RemovalCheck | None = None,
) -> tuple[Clearance, list[AttemptRow]]:
    """Let the executor pick until nothing is left or it gives up; return counts, a row per attempt.

    The executor's loop decides all: the points it refuses, what it remembers, when it hands the
    pile back. One rule is added, because a score must not depend on how well a policy recognises an
    empty bin: the clearance ends when nothing that can be picked is left, truly.

    Args:
        cell: holds the settled pile.
        policy: chooses the points.
        rng: from which the policy draws.
        config: the rules.
        truth: of the cell.
        seed, index: name the pile.
        on_attempt: told of each attempt; a learner may end the clearance with it.
        removal check: compares the views around a pick, as in the executor.

    Raises:
        GraspAffordanceError: nothing could be evaluated (no view, a policy that fails), or
            `on_attempt` raised one; an aborted attempt ends the clearance instead.
    """
    propose = PolicyProposer(policy, cell, rng)
    picker = Picker(
        cell,
        propose,
        memory=config.memory,
        check_removal=check_removal,
        look_ahead=propose.ahead,
    )
    # Each pile is the next bin: a policy draws anew for it.
    picker.memory = FailureMemory(config.memory.size, config.memory.radius, index)
    tally = _Tally(cell, truth, propose, (seed, index), on_attempt)
    objects, started, wall = truth.left(), cell.clock(), time.perf_counter()
    ending = pick_continuously(picker, config.continuous, tally.begin, tally.note)
    if ending.end is End.FAULT and not tally.aborted:
        raise GraspAffordanceError(ending.detail)
    left = truth.left()
    clearance = Clearance(
        seed=seed,
        index=index,
        stack=truth.stack,
        objects=objects,
        placed=sum(row.placed for row in tally.rows),
        left=left,
        end=str(ending.end) if left else CLEARED,
        refusals=tally.refusals,
        abstentions=tally.abstentions,
        seconds=cell.clock() - started,
        phase_seconds=dict(tally.phase_seconds),
        decision_seconds=tally.decision_seconds,
        wall_seconds=time.perf_counter() - wall,
        **count_rows(tally.rows),
    )
    return clearance, tally.rows


class PolicyProposer:
    """`execution.proposal.Proposer` over a policy in the same process.

    Attributes:
        seconds: spent choosing since the count was last set to 0, wall clock.
    """

    def __init__(self, policy: Policy, cell: Cell, rng: np.random.Generator) -> None:
        """Ask `policy`, which draws from `rng`, about views of the cell's camera."""
        self.seconds = 0.0
        self._policy, self._cell, self._rng = policy, cell, rng

    def __call__(self, failures: Failures, minimum_probability: float) -> Proposal:
        """Evaluate a view taken after this call began, hence without the arm in it.

        Raises:
            CameraError: there is none, or the camera's pose is unknown.
        """
        frame = self._cell.camera.read(newer_than_ns=self._cell.now_ns())
        return self._judge(frame, failures, minimum_probability)

    def ahead(
        self, seen: RgbdFrame, failures: Failures, minimum_probability: float
    ) -> Callable[[], Proposal]:
        """Judge a view when its proposal is wanted, after a learner has learned from the pick.

        The cell's clock stands still meanwhile, so nothing is gained by a beginning right now.
        """
        return lambda: self._judge(seen, failures, minimum_probability)

    def _judge(self, frame: RgbdFrame, failures: Failures, minimum_probability: float) -> Proposal:
        cell, policy = self._cell, self._policy
        T_base_camera = cell.camera.pose()
        view = View(frame, T_base_camera, cell.bin, cell.cup, self._rng, failures)
        began = time.perf_counter()
        selection = _at_least(minimum_probability, policy.choose(view))
        self.seconds += time.perf_counter() - began
        causes = ", ".join(f"{cause} {count}" for cause, count in selection.rejections.items())
        return Proposal(
            points=selection.points,
            T_base_camera=T_base_camera,
            frame=frame,
            rejections=selection.rejections,
            policy=policy.name,
            message="" if selection.points else f"{policy.name} offers no point: {causes}",
        )


def _at_least(probability: float, selection: Selection) -> Selection:
    """Return the selection without its points below a probability."""
    points = tuple(point for point in selection.points if point.probability >= probability)
    unlikely = len(selection.points) - len(points)
    if not unlikely:
        return selection
    counts = dict(selection.rejections)
    counts[Rejection.BELOW_THRESHOLD] = counts.get(Rejection.BELOW_THRESHOLD, 0) + unlikely
    return Selection(points, counts)


class _Tally:
    """Counts what happens in one clearance."""

    def __init__(
        self,
        cell: Cell,
        truth: Truth,
        propose: PolicyProposer,
        key: tuple[int, int],
        on_attempt: OnAttempt | None,
    ) -> None:
        self.rows: list[AttemptRow] = []
        self.refusals = 0
        self.abstentions = 0
        self.decision_seconds = 0.0
        self.phase_seconds: dict[str, float] = defaultdict(float)
        self.aborted = False  # the last attempt
        self._cell, self._truth, self._propose = cell, truth, propose
        self._key, self._on_attempt = key, on_attempt
        self._going = True
        self._began, self._left = cell.clock(), truth.left()

    def begin(self) -> Cancellation | None:
        """Return what nobody will cancel; None where nothing is left or the learner has enough."""
        self._began, self._left = self._cell.clock(), self._truth.left()
        self._propose.seconds = 0.0
        self.aborted = False
        return Cancellation() if self._going and self._left > 0 else None

    def note(self, report: PickReport) -> None:
        """Count a report."""
        self.refusals += report.refusals
        self.decision_seconds += self._propose.seconds
        if report.attempt is None:
            self.abstentions += not report.refusals
            return
        for phase in report.attempt.phases:
            self.phase_seconds[str(phase.phase)] += phase.duration
        row = self._row(report.attempt)
        self.rows.append(row)
        if self._on_attempt is not None:
            self._going = self._on_attempt(row, report.attempt)
        self.aborted = report.attempt.outcome is Outcome.ABORTED

    def _row(self, attempt: GraspAttempt) -> AttemptRow:
        point, truth = attempt.point, self._truth
        x, y, z = transform_points(attempt.T_base_camera, point.position).tolist()
        return AttemptRow(
            *self._key,
            attempt=len(self.rows),
            stack=truth.stack,
            u=point.u,
            v=point.v,
            x=x,
            y=y,
            z=z,
            probability=point.probability,
            source=str(point.source),
            outcome=str(attempt.outcome),
            cause=str(attempt.cause),
            true_outcome=str(attempt.true_outcome or attempt.outcome),
            true_cause=str(attempt.true_cause or attempt.cause),
            lifted=truth.lifted(),
            placed=self._left - truth.left() - truth.lost(),
            seconds=self._cell.clock() - self._began,
            decision_seconds=self._propose.seconds,
        )
