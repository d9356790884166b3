"""All that a training run must know to go on as if it had never stopped, in one atomic file."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from grasp_affordance.affordance.network.checkpoint import (
    Checkpoint,
    Provenance,
    damage_as_checkpoint_error,
    read_checkpoint,
    write_checkpoint,
)
from grasp_affordance.affordance.network.checkpoint_parts import (
    differences,
    load_optimiser,
    optimiser_tensors,
    part,
    prefixed,
)
from grasp_affordance.detection.evaluation import DetectionScore
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.training.config import TrainingConfig
from grasp_affordance.errors import CheckpointError

ARCHITECTURE = "grasp-detector-training"
_LONGER = {"steps"}  # may differ when a run is resumed


@dataclass
class TrainingState:
    """Of a run, besides weights and optimiser.

    Attributes:
        step: steps made.
        best_step, best_score: of the weights in model.safetensors.
        rows: of metrics.csv, one per validation.
        labels: digest of what is learned from; a resumed run has to learn from the same.
    """

    step: int = 0
    best_step: int = -1
    best_score: DetectionScore | None = None
    rows: list[dict[str, float]] = field(default_factory=list)
    labels: str = ""

    def is_best(self, score: DetectionScore | None) -> bool:
        """Whether a validation is the best so far; without validation the latest is."""
        if score is None or self.best_score is None:
            return True
        return score.average_precision > self.best_score.average_precision


def holds_training(path: Path) -> bool:
    """Whether there is a saved state."""
    return path.exists()


def write_state(
    path: Path,
    state: TrainingState,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    config: TrainingConfig,
) -> None:
    """Write everything atomically.

    Raises:
        CheckpointError: it cannot be written; the state before is untouched.
    """
    tensors = prefixed("module", module.state_dict()) | optimiser_tensors(optimiser)
    best = None if state.best_score is None else _named(asdict(state.best_score))
    header: dict[str, Any] = {
        "training": _plain(config),
        "step": state.step,
        "best_step": state.best_step,
        "best_score": best,
        "rows": [_named(row) for row in state.rows],
        "labels": state.labels,
    }
    write_checkpoint(path, Checkpoint(ARCHITECTURE, header, tensors, Provenance.of_this_process(0)))


def read_state(
    path: Path,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    config: TrainingConfig,
    labels: str,
) -> TrainingState:
    """Return the state, and bring module and optimiser back to it.

    Raises:
        CheckpointError: missing, damaged, or of another configuration or other labels.
    """
    checkpoint = read_checkpoint(path)
    if checkpoint.architecture != ARCHITECTURE:
        raise CheckpointError(f"'{path}' holds '{checkpoint.architecture}', not a training run")
    with damage_as_checkpoint_error(f"'{path}' is no state of this training run"):
        present, wanted = checkpoint.config["training"], _plain(config)
        different = [name for name in differences(present, wanted) if name not in _LONGER]
        if different:
            raise CheckpointError(
                f"'{path}' is of another configuration ({', '.join(different)} differ); restore it "
                "or choose another folder"
            )
        if checkpoint.config["labels"] != labels:
            raise CheckpointError(
                f"'{path}' learned from other labels; give the same folders in the same order and "
                "unchanged, or choose another folder and --fine-tune"
            )
        tensors = checkpoint.tensors
        module.load_state_dict(part("module", tensors))
        load_optimiser(optimiser, tensors)
        header = checkpoint.config
        best = header["best_score"]
        return TrainingState(
            step=int(header["step"]),
            best_step=int(header["best_step"]),
            best_score=None if best is None else DetectionScore(**_numbers(best)),
            rows=[_numbers(row) for row in header["rows"]],
            labels=labels,
        )


def labels_digest(samples: Sequence[GraspSample]) -> str:
    """Return the SHA-256 of names, rectangles and known areas; the order counts."""
    digest = hashlib.sha256()
    for sample in samples:
        digest.update(sample.name.encode())
        digest.update(repr([vars(rectangle) for rectangle in sample.rectangles]).encode())
        digest.update(np.packbits(sample.known).tobytes())
    return digest.hexdigest()


def _plain(config: TrainingConfig) -> dict[str, Any]:
    """Return the configuration as JSON gives it back."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(entry) for key, entry in value.items()}
        return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value

    return plain({"architecture": type(config.network).__name__, **asdict(config)})


def _named(values: dict[str, float]) -> dict[str, float | None]:
    """NaN becomes None: JSON has no NaN."""
    return {name: None if value != value else value for name, value in values.items()}


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    return {name: float("nan") if value is None else value for name, value in values.items()}
