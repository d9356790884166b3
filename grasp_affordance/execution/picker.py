"""One pick after another: ask for points, take the first that may be picked, remember failures."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from grasp_affordance.arrays import Array
from grasp_affordance.attempt import Cause, GraspAttempt, Outcome, Phase
from grasp_affordance.cell import Cell, Motion
from grasp_affordance.errors import (
    ConfigError,
    ContainerFullError,
    GraspAffordanceError,
    StoppedError,
    UnreachableError,
)
from grasp_affordance.execution.ahead import Ahead
from grasp_affordance.execution.cancellation import CancellableArm, Cancellation
from grasp_affordance.execution.checks import Refusal, plan_checked
from grasp_affordance.execution.memory import FailureMemory
from grasp_affordance.execution.outcome import RemovalCheck
from grasp_affordance.execution.pick import pick, recover
from grasp_affordance.execution.placing import Placing
from grasp_affordance.execution.plan import PickConfig, PickPlan
from grasp_affordance.execution.proposal import LookAhead, PickRequest, Proposal, Proposer
from grasp_affordance.execution.recorder import Progress
from grasp_affordance.geometry import transform_points
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures, Rejection, SuctionPoint


@dataclass(frozen=True, eq=False)
class PickReport:
    """What became of a request.

    Attributes:
        attempt: what was tried; None where nothing was.
        point: that was chosen; None where there was none.
        rejections: cause -> count of pixels and points that were not chosen.
        refusals: points among these that the checks before a pick refused; nothing moved.
        message: one sentence for a person on what went wrong; empty if nothing did.
        planned_path: tool poses (4, 4) in the base frame of what a dry run has planned.
        asked_to_end: whether a person or a program ended it on purpose, which is no error.
    """

    attempt: GraspAttempt | None = None
    point: SuctionPoint | None = None
    rejections: Mapping[Rejection, int] = field(default_factory=dict)
    refusals: int = 0
    message: str = ""
    planned_path: tuple[Array, ...] = ()
    asked_to_end: bool = False


@dataclass(frozen=True)
class MemoryConfig:
    """How just-failed points are avoided.

    Attributes:
        size: points remembered.
        radius: metres around them in which nothing is tried.
    """

    size: int = 8
    radius: float = Failures.radius

    def __post_init__(self) -> None:
        if self.size < 1 or not 0 <= self.radius < 0.1:
            raise ConfigError(f"memory of {self.size} points and radius {self.radius} m")


OnPlan = Callable[[Sequence[Motion]], None]
OnProgress = Callable[[SuctionPoint, Progress], None]


_NO_FLOOR = (
    "whoever proposes points knows neither the bin nor a floor, and may take floor for an object: "
    "give the affordance node the cell too (its parameter `cell`)"
)


class Picker:
    """Carries out requests one at a time; not to be used from two threads at once.

    Attributes:
        memory: failed points.
        placing: what was put down so far.
        count: attempts begun; the next one's index.
    """

    def __init__(
        self,
        cell: Cell,
        propose: Proposer,
        config: PickConfig | None = None,
        memory: MemoryConfig | None = None,
        check_removal: RemovalCheck | None = None,
        on_plan: OnPlan | None = None,
        look_ahead: LookAhead | None = None,
    ) -> None:
        """Start with nothing remembered.

        Args:
            look_ahead: has the next view judged while the arm carries an object and places it; None
                where nobody can.
            on_plan: called with the motions of each pick before it begins, and with none once it
                has ended.
        """
        self._on_plan: OnPlan = on_plan or _unwatched
        memory = memory or MemoryConfig()
        self.cell = cell
        self.config = config or PickConfig()
        self.memory = FailureMemory(memory.size, memory.radius)
        self.placing = Placing(self.config.pattern)
        self.count = 0
        self._propose = propose
        self._removal_check = check_removal
        self._ahead = Ahead(look_ahead)
        self._at_rest = False  # nobody knows yet where the arm is and what the cup holds

    def start_bin(self) -> None:
        """Forget the failures in the last bin, and what was seen of it."""
        self.memory.clear()
        self._ahead.forget()

    def pick_best(
        self,
        request: PickRequest,
        cancellation: Cancellation,
        on_progress: OnProgress | None = None,
    ) -> PickReport:
        """Pick the best proposed point that may be picked.

        No point near a remembered one is picked, whatever the proposer says. Where only such are
        left, they are allowed again and the proposer is asked once more, still told of what failed.
        A point that the checks refuse is remembered too, and the next one of the proposal is tried.
        """
        try:
            self._make_ready(request, cancellation)
            proposal = self._look(request)
            return self._first_possible(proposal, request, cancellation, on_progress)
        except GraspAffordanceError as error:
            return _no_pick(error, cancellation)

    def pick_at(
        self,
        point: SuctionPoint,
        T_base_camera: Array | None,
        request: PickRequest,
        cancellation: Cancellation,
        on_progress: OnProgress | None = None,
    ) -> PickReport:
        """Pick at a given point, as it is."""
        proposal = Proposal((point,), T_base_camera, policy="given")
        try:
            self._make_ready(request, cancellation)
            return self._first_possible(proposal, request, cancellation, on_progress)
        except GraspAffordanceError as error:
            return _no_pick(error, cancellation)

    def _make_ready(self, request: PickRequest, cancellation: Cancellation) -> None:
        """Bring the arm home after whatever happened before; a dry run moves nothing."""
        if self.placing.count is not None and not self._at_rest and not request.dry_run:
            if recover(self.cell, self._config_now(), cancellation):
                self.placing.add()
            self._ahead.note_home(self.cell.arm.tcp_pose())
            self._at_rest = True
        if refusal := self.placing.why_not():
            raise ContainerFullError(refusal)

    def _config_now(self) -> PickConfig:
        """Return how to pick now: the next place is where the next object goes."""
        return replace(self.config, place=self.placing.next(self.config.place))

    def _look(self, request: PickRequest) -> Proposal:
        def ask() -> Proposal:
            proposal = self._propose(self.memory.failures, request.minimum_probability)
            return self._without_remembered(proposal)

        answer = self._ahead.take()
        proposal = self._without_remembered(answer()) if answer and request.go_on else ask()
        if not proposal.points and self.memory.forgive():
            proposal = ask()
        if Rejection.EMPTY_BIN in proposal.rejections:
            self.memory.clear()  # what comes next are other objects
        return proposal

    def _without_remembered(self, proposal: Proposal) -> Proposal:
        if proposal.T_base_camera is None:
            return proposal  # each of its points will be refused
        points = self.memory.allowed(proposal.points, proposal.T_base_camera)
        dropped = len(proposal.points) - len(points)
        if not dropped:
            return proposal
        rejections = Counter(proposal.rejections)
        rejections[Rejection.RECENTLY_FAILED] += dropped
        return replace(proposal, points=points, rejections=rejections)

    def _first_possible(
        self,
        proposal: Proposal,
        request: PickRequest,
        cancellation: Cancellation,
        on_progress: OnProgress | None,
    ) -> PickReport:
        if proposal.points and not proposal.floor_known:
            return PickReport(None, None, message=_NO_FLOOR)
        config = self._config_now()
        if request.along_normal:
            config = replace(config, along_normal=True)
        rejections: Counter[Rejection] = Counter(proposal.rejections)
        refusals, message = 0, proposal.message
        for point in proposal.points:
            plan = plan_checked(self.cell, point, proposal.T_base_camera, config, proposal.frame)
            if isinstance(plan, Refusal):
                rejections[plan.rejection] += 1
                refusals += 1
                message = f"{plan.rejection}: {plan.detail}"
                self._remember(self.memory.refuse, point, proposal.T_base_camera)
                continue
            if request.dry_run:
                try:
                    self.cell.arm.rehearse(plan.motions)
                except UnreachableError as error:
                    rejections[Rejection.UNREACHABLE] += 1
                    refusals += 1
                    message = f"{Rejection.UNREACHABLE}: {error}"
                    continue
                planned_path = tuple(motion.T_base_tool for motion in plan.motions)
                return PickReport(None, point, rejections, refusals, planned_path=planned_path)
            attempt = self._attempt(
                point, plan, proposal, config, request, cancellation, on_progress
            )
            asked = cancellation.requested and cancellation.cause is Cause.CANCELLED
            return PickReport(
                attempt, point, rejections, refusals, attempt.detail, asked_to_end=asked
            )
        if self._ahead.waits and not request.dry_run:  # rest where a person expects the arm
            CancellableArm(self.cell.arm, cancellation).home()
            self._ahead.waits = False
        return PickReport(None, None, rejections, refusals, message)

    def _attempt(
        self,
        point: SuctionPoint,
        plan: PickPlan,
        proposal: Proposal,
        config: PickConfig,
        request: PickRequest,
        cancellation: Cancellation,
        on_progress: OnProgress | None,
    ) -> GraspAttempt:
        index, self.count = self.count, self.count + 1
        # A person empties a full container: the arm leaves it.
        more = request.go_on and not self.placing.is_last()
        waits = more and self._ahead.sees_bin(plan.above_place)

        def judge(view: RgbdFrame) -> None:
            self._ahead.judge(view, self.memory.failures, request.minimum_probability)

        self._at_rest = False  # until the pick has ended as it should
        self._on_plan(plan.motions)
        try:
            attempt = pick(
                self.cell,
                point,
                proposal.T_base_camera,
                config,
                plan=plan,
                index=index,
                policy=proposal.policy,
                model_version=proposal.model_version,
                before=proposal.frame,
                take_after=proposal.frame is not None,
                check_removal=self._removal_check,
                cancellation=cancellation,
                on_progress=None if on_progress is None else lambda p: on_progress(point, p),
                on_view=judge if waits else None,
            )
        finally:
            self._on_plan(())
        self._at_rest = attempt.outcome is not Outcome.ABORTED
        if attempt.outcome in (Outcome.SUCCESS, Outcome.UNCERTAIN):
            self.placing.add()  # where it is uncertain, something may lie there
        self._ahead.waits = waits and self._at_rest and attempt.phases[-1].phase is Phase.RETREAT
        if not attempt.succeeded:
            self._ahead.forget()  # judged by who did not know of this failure
            self._remember(self.memory.add, point, proposal.T_base_camera)
        return attempt

    @staticmethod
    def _remember(
        how: Callable[[Array], None], point: SuctionPoint, T_base_camera: Array | None
    ) -> None:
        if T_base_camera is not None and np.isfinite(point.position).all():
            how(transform_points(T_base_camera, point.position))


def _unwatched(motions: Sequence[Motion]) -> None:
    """Show nobody the motions of a pick."""


def _no_pick(error: GraspAffordanceError, cancellation: Cancellation) -> PickReport:
    """Return the report of an error; an arm that was stopped does not know who asked for it."""
    if cancellation.requested and isinstance(error, StoppedError):
        asked = cancellation.cause is Cause.CANCELLED
        return PickReport(message=cancellation.reason, asked_to_end=asked)
    return PickReport(message=f"{type(error).__name__}: {error}")
