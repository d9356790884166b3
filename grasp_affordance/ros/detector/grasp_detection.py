"""One frame's grasp rectangles with their poses; the markers and the service share them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.detection.pose import JawGrasp, grasp_pose
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.errors import CheckpointError
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.bin_view import BinViewSource
from grasp_affordance.suction import Rejection

if TYPE_CHECKING:
    from grasp_affordance.detection.predictor import GraspDetector

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GraspResult:
    """What was found in one frame.

    Attributes:
        frame: that was evaluated.
        grasps: best first, each with where a gripper closes; None where there is no depth.
        rejections: how many were left out, by cause.
        T_base_camera: (4, 4); None where it is not known and was not needed.
        model_version: weights that were used.
    """

    frame: RgbdFrame
    grasps: tuple[tuple[ScoredRectangle, JawGrasp | None], ...]
    rejections: dict[Rejection, int]
    T_base_camera: Array | None
    model_version: str


class GraspEvaluator:
    """Applies the detector.

    Raises:
        CheckpointError: the checkpoint cannot be read.
    """

    def __init__(
        self,
        checkpoint: str,
        config: SelectionConfig,
        bin_view: BinViewSource,
        pose_of: Callable[[str, bool, bool], Array | None],
    ) -> None:
        """Load the detector.

        Args:
            checkpoint: path; empty for no detector.
            pose_of: `Evaluate.pose_of`.
        """
        self._config, self._bin_view, self._pose_of = config, bin_view, pose_of
        self._detector = _load(checkpoint, config) if checkpoint else None
        self._lock = threading.Lock()  # one at a time: the computer has but so many cores
        self._last: tuple[RgbdFrame, SelectionConfig, GraspResult] | None = None

    @property
    def version(self) -> str:
        """Of the weights; empty where there is no detector."""
        return "" if self._detector is None else self._detector.version

    def settings(self, count: int = 0, score: float = 0.0, opening: float = 0.0) -> SelectionConfig:
        """Return the node's settings with those of a caller, where they are not 0.

        Raises:
            ConfigError: a value is out of range. CheckpointError: there is no detector.
        """
        config = self._config
        if count:
            config = replace(config, count=count)
        if score:
            config = replace(config, threshold=score)
        if opening:
            config = replace(config, jaw=replace(self._require().jaw, maximum_opening=opening))
        return config

    def evaluate(
        self, frame: RgbdFrame, config: SelectionConfig | None = None, patient: bool = False
    ) -> GraspResult:
        """Evaluate a frame, once for the same settings.

        Args:
            patient: see `Evaluate.pose_of`.

        Raises:
            CheckpointError: there is no detector. TransformError: the bin's box needs the camera's
            pose, and nobody has said it. FrameError: the frame cannot be used. GeometryError: the
            camera looks across the vertical.
        """
        config = config or self._config
        with self._lock:
            if self._last is not None and self._last[:2] == (frame, config):
                return self._last[2]
            result = self._evaluate(frame, config, patient)
            self._last = (frame, config, result)
            return result

    def _evaluate(self, frame: RgbdFrame, config: SelectionConfig, patient: bool) -> GraspResult:
        detector = self._require()
        if config != self._config:
            detector = type(detector)(detector.trained, config)
        T = self._pose_of(frame.frame_id, False, patient)
        area = self._bin_view.area(frame, T)
        proposals = detector.propose(frame, area)
        found = detector.choose(proposals, frame, area)
        approach = None if T is None else -T[2, :3]
        grasps = [(each, grasp_pose(each.rectangle, frame, approach)) for each in found]
        inside = [(each, pose) for each, pose in grasps if self._is_inside(pose, T)]
        outside = len(grasps) - len(inside)
        rejections = {Rejection.OUTSIDE_REGION: outside} if outside else {}
        if not grasps:
            rejections = _why_none(detector, proposals, frame, area)
        return GraspResult(frame, tuple(inside), rejections, T, detector.version)

    def _is_inside(self, pose: JawGrasp | None, T_base_camera: Array | None) -> bool:
        """Whether a grasp is in the bin's box, as far as both are known."""
        box = self._bin_view.config.box
        if pose is None or box is None or T_base_camera is None:
            return True
        return bool(box.contains((T_base_camera @ pose.T_camera_grasp)[:3, 3]))

    def _require(self) -> "GraspDetector":
        if self._detector is None:
            raise CheckpointError(
                "there is no grasp detector: set the parameter detector_checkpoint to a file of "
                "`grasp-affordance train_detector`, and configure the node again"
            )
        return self._detector


def _why_none(
    detector: "GraspDetector",
    proposals: list[ScoredRectangle],
    frame: RgbdFrame,
    area: NDArray[np.bool_] | None,
) -> dict[Rejection, int]:
    if detector.config.check_room:
        careless = replace(detector.config, check_room=False)
        everywhere = type(detector)(detector.trained, careless)
        if hemmed_in := everywhere.choose(proposals, frame, area):
            return {Rejection.NO_ROOM: len(hemmed_in)}
    return {Rejection.BELOW_THRESHOLD: 1}


def _load(checkpoint: str, config: SelectionConfig) -> "GraspDetector":
    from grasp_affordance.detection.predictor import GraspDetector  # torch: not without a detector

    return GraspDetector(checkpoint, config)
