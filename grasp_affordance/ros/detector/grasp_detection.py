"""One frame's grasp rectangles with their poses; the markers and the service share them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from grasp_affordance.arrays import Array
from grasp_affordance.bin_geometry import BinGeometry
from grasp_affordance.detection.pose import JawGrasp, grasp_pose
from grasp_affordance.detection.predictor import GraspDetector
from grasp_affordance.detection.samples import ScoredRectangle
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.bin_view import BinViewSource
from grasp_affordance.suction import Rejection


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
    """Applies the detector in service."""

    def __init__(
        self,
        weights: str,
        config: SelectionConfig,
        bin_view: BinViewSource,
        pose_of: Callable[[str, bool], Array | None],
    ) -> None:
        """Load the detector.

        Args:
            weights: path of a checkpoint.
            config: of a caller who asks for nothing else.
            bin_view: where the bin is.
            pose_of: from an optical frame's name, and whether to wait where the node has just
                started, to `T_base_camera` (4, 4); None where it is neither known nor needed.

        Raises:
            CheckpointError: the weights cannot be read.
        """
        self._config, self._bin_view, self._pose_of = config, bin_view, pose_of
        self._detector = GraspDetector(weights, config)
        self._lock = threading.Lock()  # one at a time: the computer has but so many cores
        self._last: tuple[RgbdFrame, SelectionConfig, GraspResult] | None = None

    @property
    def version(self) -> str:
        """Of the weights in service."""
        return self._detector.version

    def load(self, weights: str) -> None:
        """Put another checkpoint into service, between two frames.

        Raises:
            CheckpointError: it cannot be read; the one before stays in service.
        """
        detector = GraspDetector(weights, self._config)
        with self._lock:
            self._detector, self._last = detector, None

    def settings(self, count: int = 0, score: float = 0.0, opening: float = 0.0) -> SelectionConfig:
        """Return the node's settings with those of a caller, where they are not 0.

        Raises:
            ConfigError: a value is out of range.
        """
        config = self._config
        if count:
            config = replace(config, count=count)
        if score:
            config = replace(config, threshold=score)
        if opening:
            config = replace(config, jaw=replace(self._detector.jaw, maximum_opening=opening))
        return config

    def evaluate(
        self, frame: RgbdFrame, config: SelectionConfig | None = None, patient: bool = False
    ) -> GraspResult:
        """Evaluate a frame, once for the same settings.

        Args:
            patient: wait for the camera's pose where the node has just started.

        Raises:
            BinNotFoundError: the bin has to be found, and is not.
            TransformError: the bin's box needs the camera's pose, and nobody has said it.
            FrameError: the frame cannot be used.
            GeometryError: the camera looks across the vertical.
        """
        config = config or self._config
        with self._lock:
            if self._last is not None and self._last[:2] == (frame, config):
                return self._last[2]
            result = self._evaluate(frame, config, patient)
            self._last = (frame, config, result)
            return result

    def _evaluate(self, frame: RgbdFrame, config: SelectionConfig, patient: bool) -> GraspResult:
        detector = self._detector
        if config != self._config:
            detector = type(detector)(detector.trained, config)
        T = self._pose_of(frame.frame_id, patient)
        box = self._bin_view.view(frame, T).bin
        area = self._bin_view.area(frame, T, box)
        proposals = detector.propose(frame, area)
        found = detector.choose(proposals, frame, area)
        approach = None if T is None else -T[2, :3]
        grasps = [(each, grasp_pose(each.rectangle, frame, approach)) for each in found]
        inside = [(each, pose) for each, pose in grasps if _is_inside(pose, T, box)]
        outside = len(grasps) - len(inside)
        rejections = {Rejection.OUTSIDE_REGION: outside} if outside else {}
        if not grasps:
            rejections = _why_none(detector, proposals, frame, area)
        return GraspResult(frame, tuple(inside), rejections, T, detector.version)


def _is_inside(pose: JawGrasp | None, T_base_camera: Array | None, box: BinGeometry | None) -> bool:
    """Whether a grasp is in the bin's box, as far as both are known."""
    if pose is None or box is None or T_base_camera is None:
        return True
    return bool(box.contains((T_base_camera @ pose.T_camera_grasp)[:3, 3]))


def _why_none(
    detector: GraspDetector,
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
