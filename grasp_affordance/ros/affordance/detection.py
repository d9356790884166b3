"""One frame evaluated with the present model, bin and camera pose; the views and the service share
it.

A frame is evaluated once however many ask, unless one asks with settings of its own.
"""

import dataclasses
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grasp_affordance.affordance.predictor import Prediction, PredictorConfig
from grasp_affordance.arrays import Array
from grasp_affordance.errors import CheckpointError
from grasp_affordance.learning.decision import Decision, DecisionConfig, History, decide
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.ros.affordance.bin_view import BinViewSource
from grasp_affordance.ros.affordance.robot_in_view import RobotInView
from grasp_affordance.ros.common.transforms import CameraPose
from grasp_affordance.suction import Failures, Selection, Source

if TYPE_CHECKING:
    from grasp_affordance.models import LearnedModel

LOGGER = logging.getLogger(__name__)


class ModelSlot:
    """Holds one model or none; readers take `model` once per frame and keep it for that frame."""

    def __init__(self) -> None:
        self.model: LearnedModel | None = None
        self._loading = threading.Lock()

    @property
    def version(self) -> str:
        """Version of the model in service; empty for the analytic prior."""
        model = self.model
        return "" if model is None else model.version

    def load(self, path: str) -> str:
        """Put a checkpoint into service, or the prior for an empty path; return the version.

        Raises:
            CheckpointError: it does not load; the model before stays in service.
        """
        with self._loading:
            before = self.version
            self.model = _load(path) if path else None
            if self.version != before:
                LOGGER.info("serving %s, not %s", self.version or "prior", before or "prior")
            return self.version


def _load(path: str) -> "LearnedModel":
    from grasp_affordance.models import load_model  # torch: the prior can do without

    return load_model(path)


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What was found in one frame.

    Attributes:
        frame: that was evaluated.
        decision: of the core.
        T_base_camera: (4, 4) that was used; None where it is not known and was not needed.
        model_version: weights that were used; empty for the prior.
    """

    frame: RgbdFrame
    decision: Decision
    T_base_camera: Array | None
    model_version: str

    @property
    def prediction(self) -> Prediction:
        """The map behind the decision."""
        return self.decision.prediction

    @property
    def selection(self) -> Selection:
        """The points to offer, or the counted reasons why there are none."""
        return self.decision.selection


class FrameEvaluator:
    """Decides where to pick in frames.

    Attributes:
        asked: the last result with settings of a caller's own; None before the first.
        asked_at: when, `time.monotonic` seconds.
    """

    def __init__(
        self,
        config: PredictorConfig,
        decision: DecisionConfig,
        bin_view: BinViewSource,
        pose: CameraPose,
        slot: ModelSlot,
        robot: RobotInView | None = None,
    ) -> None:
        self._robot = robot
        self.config = config
        self._decision = decision
        self._bin_view = bin_view
        self._pose = pose
        self._slot = slot
        self._lock = threading.Lock()
        self._last: tuple[tuple[object, ...], FrameResult] | None = None
        self.asked: FrameResult | None = None
        self.asked_at = 0.0

    def pose_of(self, frame_id: str, required: bool, patient: bool = False) -> Array | None:
        """Return `T_base_camera`; None where it is neither known nor needed.

        Args:
            patient: wait where the node has just started; see `CameraPose.wait`.

        Raises:
            TransformError: it is needed, by the caller or the bin, and not known.
        """
        return self._pose.find(frame_id, required or self._bin_view.needs_pose, patient)

    def evaluate(
        self,
        frame: RgbdFrame,
        config: PredictorConfig | None = None,
        failures: Failures | None = None,
        source: Source | None = None,
        patient: bool = False,
        history: History | None = None,
    ) -> FrameResult:
        """Decide where to pick in a frame.

        Args:
            config: instead of the node's own.
            failures: what just failed, and where to keep away from.
            source: of the map; by default the configured one once there is a model, else the prior.
            patient: see `pose_of`; the pose is looked up once.
            history: of the learner, where points may be offered to learn from.

        Raises:
            TransformError: the pose is needed and not known.
            CheckpointError: a learned map is asked for and there is no model.
            FrameError: the frame cannot be used.
        """
        model = self._slot.model
        asked = config is not None
        config = config or self.config
        if source is None:
            source = config.source if model is not None else Source.PRIOR
        elif source is not Source.PRIOR and model is None:
            raise CheckpointError(
                f"source '{source}' was asked for, but no model is loaded; call ~/load_model"
            )
        config = dataclasses.replace(config, source=source)
        T = self.pose_of(frame.frame_id, bool(failures), patient)
        number = failures.bin if failures is not None else 0
        key = (frame, config, model, None if T is None else T.tobytes(), history, number)
        with self._lock:
            if not failures and self._last is not None and self._last[0] == key:
                if asked:
                    self.asked, self.asked_at = self._last[1], time.monotonic()
                return self._last[1]
            shown = self._robot.mask(frame, T) if self._robot is not None else None
            known = self._bin_view.view(frame, T, shown)
            decision = decide(frame, known, config, model, failures, self._decision, history)
            learned = model is not None and source is not Source.PRIOR
            result = FrameResult(frame, decision, T, model.version if model and learned else "")
            if not failures:
                self._last = (key, result)
            if asked:
                self.asked, self.asked_at = result, time.monotonic()
            return result
