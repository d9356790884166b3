"""Training of a detector: resumable, with validation by the field's metric."""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from grasp_affordance.affordance.network.device import usable_device
from grasp_affordance.detection.evaluation import DetectionScore, evaluate
from grasp_affordance.detection.model import (
    DEFAULT_THRESHOLD,
    TrainedDetector,
    make_detector,
    new_detector,
    write_detector,
)
from grasp_affordance.detection.pose import grasp_pose
from grasp_affordance.detection.predictor import GraspDetector
from grasp_affordance.detection.samples import GraspSample
from grasp_affordance.detection.selection import SelectionConfig
from grasp_affordance.detection.training.augmentation import random_view
from grasp_affordance.detection.training.config import TrainingConfig
from grasp_affordance.detection.training.log import TrainingLog
from grasp_affordance.detection.training.state import (
    TrainingState,
    holds_training,
    labels_digest,
    read_state,
    write_state,
)
from grasp_affordance.errors import CheckpointError, SequenceError
from grasp_affordance.rectangle import JawConfig

MODEL_FILE, STATE_FILE = "model.safetensors", "training.safetensors"
_ALL = 0.05  # threshold of validation: the curves need weak detections too
_TARGETED = 0.7  # of the views have a labelled grasp near their centre


@dataclass(frozen=True)
class StepReport:
    """What is told after each step.

    Attributes:
        step: number of steps made.
        losses: parts of the loss, and `total`.
        score: of the validation after this step; None in between.
        best: whether it is the best so far.
    """

    step: int
    losses: dict[str, float]
    score: DetectionScore | None = None
    best: bool = False


OnStep = Callable[[StepReport], None]


@dataclass(frozen=True)
class TrainingSummary:
    """How a run ended.

    Attributes:
        model: path of the best weights.
        steps: made.
        best_step: after which the best weights were taken.
        score: of their validation; None without validation samples.
    """

    model: Path
    steps: int
    best_step: int
    score: DetectionScore | None


def train(
    samples: Sequence[GraspSample],
    output: Path,
    config: TrainingConfig | None = None,
    validation: Sequence[GraspSample] = (),
    start: TrainedDetector | None = None,
    resume: bool = False,
    on_step: OnStep | None = None,
    device: str = "cpu",
) -> TrainingSummary:
    """Train a detector into the folder `output`.

    Writes model.safetensors (the best by validation's average precision; without validation
    samples the latest), training.safetensors (all that is needed to go on), metrics.csv and
    tensorboard/. Every draw follows from seed and step alone, so that a resumed run equals an
    uninterrupted one on the same machine and number of threads.

    Args:
        start: weights to go on from with other data (fine-tuning); their network replaces the
            configured one.
        resume: go on with what `output` holds; samples and `config` must be the same but for
            `steps`.
        device: as torch names it.

    Raises:
        SequenceError: no sample has a rectangle.
        ConfigError: there is no such device.
        CheckpointError: `output` holds a run and `resume` is not set, or there is none to resume,
            or it is of another configuration or other labels; a file is damaged or cannot be
            written.
    """
    config = config or TrainingConfig()
    if not any(sample.rectangles for sample in samples):
        raise SequenceError("no sample has a grasp rectangle; there is nothing to learn from")
    if holds_training(output / STATE_FILE) and not resume:
        raise CheckpointError(f"{output} holds a training run; resume it or choose another folder")
    run = Run(samples, output, config, validation, start, usable_device(device))
    if resume:
        run.restore()
    return run.finish(on_step)


class Run:
    """One training run: what its steps share; `train` is what to call."""

    def __init__(
        self,
        samples: Sequence[GraspSample],
        output: Path,
        config: TrainingConfig,
        validation: Sequence[GraspSample],
        start: TrainedDetector | None,
        device: str = "cpu",
    ) -> None:
        self.samples = [sample for sample in samples if sample.rectangles or sample.known.any()]
        self.output, self.config, self.validation = output, config, validation
        self.jaw = config.jaw or (start.jaw if start else jaw_of(samples))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.module = (
                make_detector(start.module.config, self.jaw)
                if start
                else new_detector(config.network, self.jaw, config.seed)
            )
        if start is not None:
            self.module.load_state_dict(start.module.state_dict())
        self.module.to(device)
        self.trained = TrainedDetector(self.module, self.jaw)
        self.optimiser = torch.optim.AdamW(
            [p for p in self.module.parameters() if p.requires_grad],
            lr=config.learning_rate,
            weight_decay=config.weight_decay,
        )
        self.state = TrainingState(labels=labels_digest([*samples, *validation]))

    def restore(self) -> None:
        self.state = read_state(
            self.output / STATE_FILE, self.module, self.optimiser, self.config, self.state.labels
        )

    def finish(self, on_step: OnStep | None) -> TrainingSummary:
        config, state = self.config, self.state
        log = TrainingLog(self.output, state)
        with ThreadPoolExecutor(max_workers=1) as ahead, log:
            coming = ahead.submit(self.batch, state.step)
            while state.step < config.steps:
                batch = coming.result()
                if state.step + 1 < config.steps:
                    coming = ahead.submit(self.batch, state.step + 1)
                losses = self.step(batch)
                score, best = None, False
                if state.step % config.evaluate_every == 0 or state.step == config.steps:
                    score, best = self.checkpoint()
                log.note(state, losses, score)
                if score is not None or state.step % config.evaluate_every == 0:
                    write_state(
                        self.output / STATE_FILE, state, self.module, self.optimiser, config
                    )
                if on_step is not None:
                    on_step(StepReport(state.step, losses, score, best))
        return TrainingSummary(
            self.output / MODEL_FILE, state.step, state.best_step, state.best_score
        )

    def batch(self, step: int) -> list[GraspSample]:
        """Return the augmented views of a step; they depend on nothing but seed and step."""
        rng = np.random.default_rng([self.config.seed, step])
        return [self.draw(rng) for _ in range(self.config.batch)]

    def draw(self, rng: np.random.Generator) -> GraspSample:
        index = int(rng.integers(len(self.samples)))
        settings = self.config.augmentation
        if settings.copies:
            copy = int(rng.integers(settings.copies))
            rng = np.random.default_rng([self.config.seed, index, copy])
        return random_view(self.samples[index], self.module, settings, rng)

    def step(self, batch: list[GraspSample]) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.config, self.state.step)
        self.module.train()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed * 1_000_003 + self.state.step)
            losses = self.trained.module.losses(batch)
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            raise CheckpointError(
                f"the loss is {float(total.detach())} after {self.state.step} steps; lower "
                "learning_rate and resume from the saved state"
            )
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.module.parameters(), self.config.clip)
        self.optimiser.step()
        self.state.step += 1
        return {
            **{name: float(loss.detach()) for name, loss in losses.items()},
            "total": float(total.detach()),
        }

    def checkpoint(self) -> tuple[DetectionScore | None, bool]:
        """Validate, and keep the weights if they are the best so far."""
        self.module.eval()
        score = validate(self.trained, self.validation) if self.validation else None
        best = self.state.is_best(score)
        if best:
            self.state.best_step, self.state.best_score = self.state.step, score
            threshold = DEFAULT_THRESHOLD if score is None else score.threshold
            write_detector(
                self.output / MODEL_FILE,
                TrainedDetector(self.module, self.jaw, threshold),
                None if score is None else finite(asdict(score)),
            )
        return score, best


def validate(
    trained: TrainedDetector,
    samples: Sequence[GraspSample],
    config: SelectionConfig | None = None,
) -> DetectionScore:
    """Detect in every sample and score by the field's metric; by default the network alone."""
    alone = SelectionConfig(threshold=_ALL, count=50, check_room=False)
    detector = GraspDetector(trained, config or alone)
    found = [detector.detect(sample.frame, sample.region) for sample in samples]
    return evaluate(found, samples)


def jaw_of(samples: Sequence[GraspSample]) -> JawConfig:
    """Return a gripper whose plates are as long as the labels', and that opens as wide at least."""
    poses = [
        pose
        for sample in samples
        for rectangle in sample.rectangles
        if (pose := grasp_pose(rectangle, sample.frame)) is not None
    ]
    default = JawConfig()
    if not poses:
        return default
    widest = float(np.percentile([pose.opening for pose in poses], 99))
    return JawConfig(
        plate_length=float(np.median([pose.plate_length for pose in poses])),
        maximum_opening=max(default.maximum_opening, widest),
    )


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Return the rate of a step, counted from 0."""
    if config.schedule == "constant":
        return config.learning_rate
    warm = min(config.warm_up, config.steps)
    if step < warm:
        return config.learning_rate * (step + 1) / warm
    share = (step - warm) / max(config.steps - warm, 1)
    return config.learning_rate * 0.5 * (1 + math.cos(math.pi * share))


def finite(values: dict[str, float]) -> dict[str, float]:
    """Drop what is not a number: JSON has no name for it."""
    return {name: value for name, value in values.items() if math.isfinite(value)}
