"""What a policy is: a rule that looks at one view of the bin and ranks suction points."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.cell import BinGeometry, Cup
from grasp_affordance.errors import ConfigError
from grasp_affordance.geometry import check_rigid, transform_points
from grasp_affordance.grasp import Selection
from grasp_affordance.rgbd import RgbdFrame

ABSTAIN_BELOW = 0.3
"""Expected success below which the default learner, and the prior beside it, hand a pile back."""


def _no_points() -> NDArray[np.float64]:
    return np.empty((0, 3))


@dataclass(frozen=True, eq=False)
class View:
    """All that a policy may know before a pick; a physical cell knows as much.

    Attributes:
        frame: the newest frame.
        T_base_camera: (4, 4) as calibrated, not as true.
        bin: the bin to empty, in the base frame.
        cup: what will touch the object.
        failed: (N, 3) float64 base-frame points of recent failures, metres.
        avoid_radius: metres around these points where nothing may be proposed.
        rng: for whatever the policy draws.
    """

    frame: RgbdFrame
    T_base_camera: NDArray[np.float64]
    bin: BinGeometry
    cup: Cup
    rng: np.random.Generator
    failed: NDArray[np.float64] = field(default_factory=_no_points)
    avoid_radius: float = 0.0

    def __post_init__(self) -> None:
        check_rigid(self.T_base_camera, "T_base_camera")
        if self.failed.ndim != 2 or self.failed.shape[1] != 3 or not self.avoid_radius >= 0:
            raise ConfigError(
                f"failed points {self.failed.shape} must be (N, 3) and avoid_radius "
                f"{self.avoid_radius} m not negative"
            )

    def base_points(self) -> NDArray[np.float64]:
        """Return base-frame points (H, W, 3) of all pixels; NaN where depth is unknown."""
        camera_points = self.frame.intrinsics.deproject_image(self.frame.depth)
        return transform_points(self.T_base_camera, camera_points)


class Policy(Protocol):
    """A rule that chooses where to pick.

    A policy keeps no memory of a pile: what it may remember is in the view. The same view and the
    same state of the view's generator give the same selection.
    """

    @property
    def name(self) -> str:
        """Return the name that goes into attempts and reports."""

    def choose(self, view: View) -> Selection:
        """Return ranked points, best first, none of them within the avoided radius.

        An empty selection is an abstention; its rejections say why.
        """
