"""A scripted pile in a cell of fakes: no physics, every outcome known beforehand."""

from collections.abc import Iterable, Sequence

import numpy as np
from execution.fakes import FakeArm, FakeCamera, FakeCellState, FakeGripper
from numpy.typing import NDArray

from grasp_affordance.attempt import Cause, Outcome, Removal
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cell, Cup, Load
from grasp_affordance.errors import CellError, UnreachableError
from grasp_affordance.evaluation.protocol import OnAttempt, ProtocolConfig, clear_pile
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.evaluation.runner import RunConfig
from grasp_affordance.execution.continuous import ContinuousConfig
from grasp_affordance.execution.picker import MemoryConfig
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.policies.policy import Policy, View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Rejection, Selection, Source, SuctionPoint

# true outcome, sensed outcome, objects placed
OK = (Outcome.SUCCESS, Outcome.SUCCESS, 1)
BAD = (Outcome.FAILURE, Outcome.FAILURE, 0)
DOUBLE = (Outcome.FAILURE, Outcome.SUCCESS, 2)
MISSED = (Outcome.SUCCESS, Outcome.FAILURE, 1)
UNSURE = (Outcome.SUCCESS, Outcome.UNCERTAIN, 1)
BROKEN = (Outcome.FAILURE, Outcome.ABORTED, 0)
REFUSED = None  # by the checks: nothing moves

Line = tuple[Outcome, Outcome, int] | None

GRID = [(u, v) for u in range(20, 60, 5) for v in range(10, 50, 5)]  # more than 40 mm apart
CAMERA_HEIGHT = 0.8


def look_down() -> NDArray[np.float64]:
    """`T_base_camera` of a camera above the default bin, looking down."""
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    T[:3, 3] = [0.5, 0.0, CAMERA_HEIGHT]
    return T


def flat_frame(height: float = 0.05, stamp_ns: int = 0) -> RgbdFrame:
    """A view of a plane at a height over the bin's floor."""
    intrinsics = Intrinsics(80.0, 80.0, 39.5, 29.5, 80, 60)
    depth = np.full((60, 80), CAMERA_HEIGHT - height, np.float32)
    return RgbdFrame(np.full((60, 80, 3), 128, np.uint8), depth, intrinsics, stamp_ns)


def point_at(u: int, v: int, frame: RgbdFrame) -> SuctionPoint:
    """A suction point on a flat frame."""
    return SuctionPoint(u, v, frame.point(u, v), np.array([0, 0, -1.0]), 0.5, Source.BASELINE)


class FakePile:
    """Objects that come out as the script says, and the truth about them; the last line repeats.

    Attributes:
        cell: of fakes; a line of the script is used up by each pick and by each refused point.
    """

    stack = "scripted"

    def __init__(self, objects: int, script: Sequence[Line]) -> None:
        self._left, self._script = objects, list(script)
        self._used = 0
        self._now: tuple[Outcome, Outcome, int] = OK  # of the pick under way
        self.state = FakeCellState(on_event=self._happen)
        self.cell = Cell(
            arm=_Arm(self),
            gripper=FakeGripper(self.state),
            camera=_Camera(self.state),
            bin=BinGeometry(),
            cup=Cup(),
            clock=lambda: self.state.time,
            now_ns=lambda: int(self.state.time * 1e9),
            settle=self._settle,
            truth=lambda: (self._now[0], _cause(self._now[0])),
        )

    def left(self) -> int:
        return self._left

    def lost(self) -> int:
        return 0

    def lifted(self) -> bool:
        return self._now[2] > 0

    def check_removal(
        self,
        before: RgbdFrame,
        after: RgbdFrame,
        picked_at: tuple[float, float] | None = None,
        T_base_camera: NDArray[np.float64] | None = None,
        box: BinGeometry | None = None,
    ) -> Removal:
        """The second opinion; it doubts what is not sensed for sure."""
        return Removal(1 if self._now[1] is Outcome.SUCCESS else 0)

    def next_line(self) -> Line:
        """The line of the script that the next point will meet."""
        return self._script[min(self._used, len(self._script) - 1)]

    def refuse(self) -> None:
        """Use up a line that refuses."""
        self._used += 1

    def _happen(self, event: str) -> None:
        if event == "grasp":
            line = self.next_line()
            assert line is not None
            self._now = line
            self._used += 1
            self.state.seals = line[1] is not Outcome.FAILURE
            if line[1] is Outcome.ABORTED:
                raise CellError("protective stop")

    def _settle(self) -> None:
        self._left -= self._now[2]


class _Arm(FakeArm):
    """Cannot reach a point where the script refuses it."""

    def __init__(self, pile: FakePile) -> None:
        super().__init__(pile.state)
        self._pile = pile

    def check_reachable(self, T_base_tool: NDArray[np.float64], load: Load | None = None) -> None:
        if self._pile.next_line() is REFUSED:
            self._pile.refuse()
            raise UnreachableError("so says the script")


class _Camera(FakeCamera):
    """Sees the pile as a plane."""

    def read(self, newer_than_ns: int | None = None) -> RgbdFrame:
        return flat_frame(stamp_ns=int(self.state.time * 1e9) + 1)

    def pose(self) -> NDArray[np.float64]:
        return look_down()


def _cause(outcome: Outcome) -> Cause:
    return Cause.NONE if outcome is Outcome.SUCCESS else Cause.LEAK_EDGE


class FixedPolicy:
    """Always proposes the same pixels, whatever the view says about failures."""

    name = "fixed"

    def __init__(self, pixels: Iterable[tuple[int, int]]) -> None:
        self._pixels = list(pixels)
        self.views: list[View] = []

    def choose(self, view: View) -> Selection:
        self.views.append(view)
        points = tuple(point_at(u, v, view.frame) for u, v in self._pixels)
        return Selection(points, {} if points else {Rejection.BELOW_THRESHOLD: 1})


def rules(failure_cap: int = 10, memory: int = 8) -> ProtocolConfig:
    """The protocol with these limits."""
    return ProtocolConfig(ContinuousConfig(failure_cap), MemoryConfig(memory))


def clear(
    pile: FakePile,
    policy: Policy | None = None,
    config: ProtocolConfig | None = None,
    seed: int = 0,
    index: int = 0,
    on_attempt: OnAttempt | None = None,
) -> tuple[Clearance, list[AttemptRow]]:
    """Clear a scripted pile by the protocol."""
    return clear_pile(
        pile.cell,
        policy or FixedPolicy(GRID),
        np.random.default_rng(0),
        config or rules(),
        pile,
        seed,
        index,
        on_attempt,
        pile.check_removal,
    )


def clear_scripted(config: RunConfig, seed: int, index: int) -> tuple[Clearance, list[AttemptRow]]:
    """A pile whose script follows from its seed and index; importable by worker processes."""
    rng = np.random.default_rng([seed, index])
    script = [OK if rng.random() < 0.7 else BAD for _ in range(30)]
    return clear(FakePile(6, script), None, config.protocol, seed, index)
