"""What a policy is: a rule that looks at one view of the bin and ranks suction points."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.cell import Cup
from grasp_affordance.geometry import check_rigid, transform_points
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures, Selection


@dataclass(frozen=True, eq=False)
class View:
    """All that a policy may know before a pick; a physical cell knows as much.

    Attributes:
        frame: the newest frame.
        T_base_camera: (4, 4) as calibrated, not as true.
        bin: the bin to empty, in the base frame.
        cup: what will touch the object.
        rng: for whatever the policy draws.
        failures: what just failed, and where nothing may be proposed.
    """

    frame: RgbdFrame
    T_base_camera: NDArray[np.float64]
    bin: BinGeometry
    cup: Cup
    rng: np.random.Generator
    failures: Failures = field(default_factory=Failures)

    def __post_init__(self) -> None:
        check_rigid(self.T_base_camera, "T_base_camera")

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
