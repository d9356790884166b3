"""A scripted pile behind the protocol's seam: no physics, every outcome known beforehand."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.attempt import Cause, GraspAttempt, Outcome, Phase, PhaseReport, PressureTrace
from grasp_affordance.cell import BinGeometry, Cup
from grasp_affordance.evaluation.protocol import Picked, clear_pile
from grasp_affordance.evaluation.records import AttemptRow, Clearance
from grasp_affordance.evaluation.runner import RunConfig
from grasp_affordance.geometry import Intrinsics
from grasp_affordance.policies.policy import View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Selection, Source, SuctionPoint

# true outcome, sensed outcome, objects placed
OK = (Outcome.SUCCESS, Outcome.SUCCESS, 1)
BAD = (Outcome.FAILURE, Outcome.FAILURE, 0)
DOUBLE = (Outcome.FAILURE, Outcome.SUCCESS, 2)
MISSED = (Outcome.SUCCESS, Outcome.FAILURE, 1)
UNSURE = (Outcome.SUCCESS, Outcome.UNCERTAIN, 1)
REFUSED = (Outcome.ABORTED, Outcome.ABORTED, 0)

GRID = [(u, v) for u in range(20, 60, 5) for v in range(10, 50, 5)]  # more than 40 mm apart
SECONDS_PER_PICK = 2.0
CAMERA_HEIGHT = 0.8


def look_down() -> NDArray[np.float64]:
    """`T_base_camera` of a camera above the default bin, looking down."""
    T = np.diag([1.0, -1.0, -1.0, 1.0])
    T[:3, 3] = [0.5, 0.0, CAMERA_HEIGHT]
    return T


def flat_frame(height: float = 0.05) -> RgbdFrame:
    """A view of a plane at a height over the bin's floor."""
    intrinsics = Intrinsics(80.0, 80.0, 39.5, 29.5, 80, 60)
    depth = np.full((60, 80), CAMERA_HEIGHT - height, np.float32)
    return RgbdFrame(np.full((60, 80, 3), 128, np.uint8), depth, intrinsics)


def point_at(u: int, v: int, frame: RgbdFrame) -> SuctionPoint:
    """A suction point on a flat frame."""
    return SuctionPoint(u, v, frame.point(u, v), np.array([0, 0, -1.0]), 0.5, Source.BASELINE)


class FakePile:
    """Objects that come out as the script says; the last line repeats."""

    stack = "scripted"
    bin = BinGeometry()
    cup = Cup()

    def __init__(self, objects: int, script: Sequence[tuple[Outcome, Outcome, int]]) -> None:
        self._left, self._script = objects, list(script)
        self.picked: list[SuctionPoint] = []
        self._seconds = 0.0

    def look(self) -> tuple[RgbdFrame, NDArray[np.float64]]:
        return flat_frame(), look_down()

    def pick(self, point: SuctionPoint, frame: RgbdFrame) -> Picked:
        truth, sensed, placed = self._script[min(len(self.picked), len(self._script) - 1)]
        self.picked.append(point)
        self._left -= placed
        refused = sensed is Outcome.ABORTED
        self._seconds += 0.0 if refused else SECONDS_PER_PICK
        reached = [Phase.PRE_GRASP, Phase.APPROACH]
        attempt = GraspAttempt(
            index=len(self.picked),
            stamp_ns=0,
            point=point,
            T_base_camera=look_down(),
            T_base_tool=np.eye(4),
            outcome=sensed,
            cause=_cause(sensed, Cause.NO_SEAL),
            phases=() if refused else tuple(PhaseReport(p, 0.1, 0.0, 0.1) for p in reached),
            pressure=PressureTrace(np.zeros(0), np.zeros(0, np.float32)),
            true_outcome=None if refused else truth,
            true_cause=None if refused else _cause(truth, Cause.LEAK_EDGE),
        )
        return Picked(attempt, lifted=placed > 0, placed=placed)

    def in_bin(self) -> int:
        return self._left

    def clock(self) -> float:
        return self._seconds


def _cause(outcome: Outcome, failure: Cause) -> Cause:
    if outcome is Outcome.SUCCESS:
        return Cause.NONE
    return Cause.UNREACHABLE if outcome is Outcome.ABORTED else failure


class FixedPolicy:
    """Always proposes the same pixels, whatever the view says about failures."""

    name = "fixed"

    def __init__(self, pixels: Iterable[tuple[int, int]]) -> None:
        self._pixels = list(pixels)
        self.views: list[View] = []

    def choose(self, view: View) -> Selection:
        self.views.append(view)
        return Selection(tuple(point_at(u, v, view.frame) for u, v in self._pixels))


def clear_scripted(config: RunConfig, seed: int, index: int) -> tuple[Clearance, list[AttemptRow]]:
    """A pile whose script follows from its seed and index; importable by worker processes."""
    rng = np.random.default_rng([seed, index])
    script = [OK if rng.random() < 0.7 else BAD for _ in range(30)]
    return clear_pile(FakePile(6, script), FixedPolicy(GRID), rng, config.protocol, seed, index)
