"""What is asked of a pick, and who says where to pick."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from grasp_affordance.arrays import Array
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures, Rejection, SuctionPoint


@dataclass(frozen=True, eq=False)
class Proposal:
    """Ranked points of one view.

    Attributes:
        points: best first, in the camera frame of `frame`.
        T_base_camera: (4, 4), with which they are reached; None where it is unknown.
        frame: the view; None where it was not kept.
        rejections: cause -> count of what was not proposed; without points and causes nothing
            could be evaluated, which is a fault.
        floor_known: whether objects are told from what they lie on; nothing is picked otherwise.
        policy, model_version: who ranked them.
        message: what is wrong where there are no points.
    """

    points: tuple[SuctionPoint, ...]
    T_base_camera: Array | None
    frame: RgbdFrame | None = None
    rejections: Mapping[Rejection, int] = field(default_factory=dict)
    floor_known: bool = True
    policy: str = ""
    model_version: str = ""
    message: str = ""


class Proposer(Protocol):
    """Looks at the bin and ranks suction points."""

    def __call__(self, failures: Failures, minimum_probability: float) -> Proposal:
        """Evaluate a view taken now, told what just failed and where to keep away from.

        A `minimum_probability` of 0 stands for the proposer's own threshold.

        Raises:
            GraspAffordanceError: no view could be evaluated.
        """


LookAhead = Callable[[RgbdFrame, Failures, float], Callable[[], Proposal]]
"""Takes a view of the bin that is still to be picked from, and what a `Proposer` is told.

It returns at once, while the arm moves; what it returns waits for the proposal, and raises what a
`Proposer` raises.
"""


@dataclass(frozen=True)
class PickRequest:
    """What a caller may ask of one pick.

    Attributes:
        minimum_probability: of the points considered, in [0, 1]; 0 means the proposer's default.
        along_normal: approach along the surface normal; otherwise as configured.
        dry_run: propose and check, move nothing.
        go_on: another pick follows: the arm may stay over the place area where it hides nothing of
            the bin, and the next view is judged while it carries on.
    """

    minimum_probability: float = 0.0
    along_normal: bool = False
    dry_run: bool = False
    go_on: bool = False
