"""Curves of a training run: TensorBoard, and a table that any program reads."""

import csv
import io
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from grasp_affordance.detection.evaluation import DetectionScore
from grasp_affordance.detection.training.state import TrainingState
from grasp_affordance.files import Closing, write_atomically

METRICS_FILE = "metrics.csv"
_MEASURES = ("average_precision", "precision", "recall", "best_first", "threshold")
_EVERY = 10  # steps between points of the loss curves


class TrainingLog(Closing):
    """Writes `tensorboard/` and `metrics.csv`; what a killed run wrote too much is replaced."""

    def __init__(self, folder: Path, state: TrainingState) -> None:
        self.path = folder / METRICS_FILE
        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=state.step + 1)

    def note(
        self, state: TrainingState, losses: dict[str, float], score: DetectionScore | None
    ) -> None:
        """Add the losses of a step, and a row if there was a validation."""
        if state.step % _EVERY == 0 or score is not None:
            for name, value in losses.items():
                self.writer.add_scalar(f"loss/{name}", value, state.step)
        if score is None:
            return
        measures = {name: float(getattr(score, name)) for name in _MEASURES}
        for name, value in measures.items():
            self.writer.add_scalar(f"validation/{name}", value, state.step)
        state.rows.append({"step": state.step, "loss": losses["total"], **measures})
        stream = io.StringIO()
        table = csv.DictWriter(stream, fieldnames=["step", "loss", *_MEASURES])
        table.writeheader()
        table.writerows(state.rows)
        write_atomically(self.path, stream.getvalue().encode())

    def close(self) -> None:
        """Flush and close the curves."""
        self.writer.close()
