"""What the trainer knows, as messages and as TensorBoard curves."""

import logging
import math
from pathlib import Path

from grasp_affordance_interfaces.msg import ModelAnnouncement, TrainerStatus
from torch.utils.tensorboard import SummaryWriter

from grasp_affordance.learning.trainer import TrainingReport
from grasp_affordance.ros.common.conversions import to_header_msg

_LOG = logging.getLogger(__name__)


def to_status_msg(
    report: TrainingReport, stamp_ns: int, window: int, exploration: float, paused: bool, event: str
) -> TrainerStatus:
    """Convert a report.

    Args:
        window: attempts over which its rolling figures are taken.
        exploration: present probability of an exploratory pick.
        event: the last thing worth telling a person.
    """
    return TrainerStatus(
        header=to_header_msg(stamp_ns, ""),
        consumed=report.consumed,
        attempts=report.attempts,
        successes=report.successes,
        quarantined=report.quarantined,
        rolling_success=report.rolling_success,
        rolling_window=window,
        steps=report.steps,
        loss=report.loss,
        exploration=exploration,
        brier=report.brier,
        calibration_error=report.calibration_error,
        model_version=report.version,
        checkpoint=report.checkpoint,
        paused=paused,
        message=event,
    )


def to_announcement_msg(report: TrainingReport, stamp_ns: int, reason: str) -> ModelAnnouncement:
    """Announce the weights that a report says are in service."""
    return ModelAnnouncement(
        header=to_header_msg(stamp_ns, ""),
        path=str(Path(report.checkpoint).resolve()),
        version=report.version,
        reason=reason,
    )


class Curves:
    """TensorBoard curves over attempts; what a crash left of later attempts is overwritten.

    A disk that cannot be written costs points of the curves, and nobody a training sample: they
        begin anew.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._trouble = folder, ""
        self._writer: SummaryWriter | None = None

    def add(self, report: TrainingReport, exploration: float) -> None:
        """Add one point to each curve whose value is known."""
        values = {
            "success/rolling": report.rolling_success,
            "success/total": report.successes / report.attempts if report.attempts else math.nan,
            "training/loss": report.loss,
            "training/exploration": exploration,
            "calibration/brier": report.brier,
            "calibration/error": report.calibration_error,
        }
        try:
            if self._writer is None:
                self._writer = SummaryWriter(
                    str(self._folder), purge_step=report.attempts, flush_secs=10
                )
            for name, value in values.items():
                if math.isfinite(value):
                    self._writer.add_scalar(name, value, report.attempts)
        except OSError as error:
            self._begin_anew(error)

    def close(self) -> None:
        """Write what is still in memory."""
        try:
            if self._writer is not None:
                self._writer.close()
        except OSError as error:
            self._begin_anew(error)

    def _begin_anew(self, error: OSError) -> None:
        if str(error) != self._trouble:  # told once
            _LOG.warning("TensorBoard curves in %s have a gap: %s", self._folder, error)
        self._trouble, self._writer = str(error), None
