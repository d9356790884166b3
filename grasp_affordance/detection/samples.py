"""What a detector learns from: a frame, its grasps, and where they are all that there is."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.arrays import Mask
from grasp_affordance.errors import FrameError
from grasp_affordance.rectangle import GraspRectangle
from grasp_affordance.rgbd import RgbdFrame


@dataclass(frozen=True, eq=False)
class GraspSample:
    """One labelled frame.

    Attributes:
        name: for people: folder and frame.
        frame: color and depth.
        rectangles: grasps, pixels of the frame.
        known: (H, W) bool; where it holds, a place without a rectangle is no grasp. Elsewhere
            nobody has said anything: no loss and no measure looks there.
        region: (H, W) bool, where objects can be at all, as detection is told; None where unknown.
    """

    name: str
    frame: RgbdFrame
    rectangles: tuple[GraspRectangle, ...]
    known: Mask
    region: Mask | None = None

    def __post_init__(self) -> None:
        if self.known.shape != self.frame.shape or self.known.dtype != np.bool_:
            raise FrameError(
                f"{self.name}: known is {self.known.dtype} {self.known.shape}, expected bool "
                f"{self.frame.shape} as the frame"
            )


@dataclass(frozen=True)
class ScoredRectangle:
    """A grasp that a detector proposes.

    Attributes:
        rectangle: in pixels of the frame.
        score: in [0, 1], higher is better; no calibrated probability.
    """

    rectangle: GraspRectangle
    score: float
