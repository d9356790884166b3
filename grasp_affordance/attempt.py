"""One attempt: phases, outcome, cause, what was sensed."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import SuctionPoint


class Phase(StrEnum):
    """The sequential phases of a pick."""

    PRE_GRASP = "pre_grasp"
    APPROACH = "approach"
    SEAL = "seal"
    LIFT = "lift"
    TRANSPORT = "transport"
    PLACE = "place"
    RETREAT = "retreat"


class Outcome(StrEnum):
    """What a pick yields as a label."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNCERTAIN = "uncertain"  # sensors disagree: quarantined, never trained on
    ABORTED = "aborted"  # cancelled or a fault of the cell: no label


class Cause(StrEnum):
    """Why an attempt did not succeed. A real cell senses the first two groups only."""

    NONE = "none"
    # sensed by any cell
    NO_CONTACT = "no_contact"
    NO_SEAL = "no_seal"
    LOST_AT_LIFT = "lost_at_lift"
    LOST_IN_TRANSPORT = "lost_in_transport"
    DOUBLE_PICK = "double_pick"
    COLLISION = "collision"
    SENSORS_DISAGREE = "sensors_disagree"
    # no label
    UNREACHABLE = "unreachable"
    CANCELLED = "cancelled"
    CAMERA_LOST = "camera_lost"
    GRIPPER_FAULT = "gripper_fault"
    ARM_FAULT = "arm_fault"
    # true causes, known to a simulator
    LEAK_EDGE = "leak_edge"
    LEAK_TILT = "leak_tilt"
    LEAK_CURVATURE = "leak_curvature"
    LEAK_HOLE = "leak_hole"
    LEAK_POROUS = "leak_porous"
    BROKEN_WEIGHT = "broken_weight"
    BROKEN_LEVER = "broken_lever"
    BROKEN_TRAPPED = "broken_trapped"
    DROPPED = "dropped"


@dataclass(frozen=True, eq=False)
class PressureTrace:
    """Vacuum during one pick.

    Attributes:
        times: (N,) float64 seconds since the vacuum was switched on.
        vacuum: (N,) float32 kilopascals below ambient; 0 is no vacuum.
    """

    times: NDArray[np.float64]
    vacuum: NDArray[np.float32]


@dataclass(frozen=True)
class Removal:
    """What the depth difference around a pick says.

    Attributes:
        regions: separate surfaces that left the bin.
        pixels: size of the largest.
        volume: under the removed surfaces, cubic metres.
        event: what the pick did to the bin, in a word of `annotation.removal_check.PickEvent`;
            empty where nobody said.
        position: mean point of the largest, camera frame, metres; None where none left or its
            depth is not known.
    """

    regions: int
    pixels: int = 0
    volume: float = 0.0
    event: str = ""
    position: tuple[float, float, float] | None = None

    def __post_init__(self) -> None:
        if self.position is not None:  # a list where it comes from a file
            x, y, z = self.position
            object.__setattr__(self, "position", (float(x), float(y), float(z)))


@dataclass(frozen=True)
class PhaseReport:
    """What was measured in one phase.

    Attributes:
        phase: which one.
        duration: seconds, in the cell's own clock (simulated time in a simulator).
        vacuum: kilopascals below ambient at its end.
        tcp_height: height of the tool centre point in the base frame at its end, metres.
    """

    phase: Phase
    duration: float
    vacuum: float
    tcp_height: float


@dataclass(frozen=True, eq=False)
class GraspAttempt:
    """One executed pick: everything a trainer, a log or an auditor needs.

    Attributes:
        index: 0-based number of the attempt in its session.
        stamp_ns: start, nanoseconds, clock of the frames.
        point: the suction point, in the frame `before`.
        T_base_camera: (4, 4) used to reach it.
        T_base_tool: (4, 4) commanded pose of the tool at contact.
        bin: from which it was picked, as it was described or found; None where nobody knows it.
        outcome, cause: as sensed by the cell.
        phases: in order, up to the one in which the pick ended.
        pressure: vacuum over time.
        contact_height: sensed height of contact in the base frame, metres; NaN without contact.
        policy, model_version: provenance of the decision.
        before, after: frames around the pick; None where none was taken.
        true_outcome, true_cause: simulator's ground truth for scoring; None on a real cell.
        removal: what the depth difference between `before` and `after` says; None if not asked.
        detail: one sentence for a person on what went wrong; empty on success.
    """

    index: int
    stamp_ns: int
    point: SuctionPoint
    T_base_camera: NDArray[np.float64]
    T_base_tool: NDArray[np.float64]
    outcome: Outcome
    cause: Cause
    phases: tuple[PhaseReport, ...]
    pressure: PressureTrace
    contact_height: float = float("nan")
    bin: BinGeometry | None = None
    policy: str = ""
    model_version: str = ""
    before: RgbdFrame | None = None
    after: RgbdFrame | None = None
    true_outcome: Outcome | None = None
    true_cause: Cause | None = None
    removal: Removal | None = None
    detail: str = ""

    @property
    def succeeded(self) -> bool:
        """Whether the cell sensed a success."""
        return self.outcome is Outcome.SUCCESS
