"""How a detector is trained, and the two presets."""

from dataclasses import dataclass, field, replace
from typing import Literal

from grasp_affordance.detection.dense.network import DenseConfig
from grasp_affordance.detection.model import NetworkConfig
from grasp_affordance.detection.training.augmentation import PAPER_AUGMENTATION, AugmentationConfig
from grasp_affordance.detection.training.dataset import DatasetConfig
from grasp_affordance.detection.training.label_history import HistoryConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.papers.annotation.network import AnnotationPaperConfig
from grasp_affordance.rectangle import JawConfig


@dataclass(frozen=True)
class TrainingConfig:
    """Of one training run.

    Attributes:
        network: which detector.
        steps: of the optimiser.
        batch: views per step.
        learning_rate: of Adam, at its highest.
        schedule: `constant`, or `cosine` down to nothing after a warm-up of `warm_up` steps.
        warm_up: steps.
        weight_decay: of Adam, decoupled.
        clip: largest norm of the gradient.
        evaluate_every: steps between validations; the state is saved as often.
        seed: of the initial weights and every draw.
        augmentation: of the views.
        jaw: the gripper; by default its plates are as long as those of the labels.
    """

    network: NetworkConfig = field(default_factory=DenseConfig)
    steps: int = 1000
    batch: int = 8
    learning_rate: float = 2e-3
    schedule: Literal["constant", "cosine"] = "cosine"
    warm_up: int = 50
    weight_decay: float = 1e-4
    clip: float = 10.0
    evaluate_every: int = 200
    seed: int = 0
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    jaw: JawConfig | None = None

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.evaluate_every) < 1 or self.warm_up < 0:
            raise ConfigError("training: steps, batch and evaluate_every must be positive")
        if self.learning_rate <= 0 or self.clip <= 0 or self.weight_decay < 0:
            raise ConfigError("training: learning_rate and clip must be positive")


@dataclass(frozen=True)
class Preset:
    """A detector with the way in which its authors train it.

    Attributes:
        dataset: what is taken from labels.
        training: network and schedule.
    """

    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)


DEFAULT = Preset()
# Section 4: one labelled object per frame, Adam at a constant 1e-4 for 50,000 iterations,
# augmentation x100 by shift and rotation.
PAPER = Preset(
    DatasetConfig(
        unlabelled_is_background=True, history=HistoryConfig(carry_back=False, check_room=False)
    ),
    TrainingConfig(
        network=AnnotationPaperConfig(),
        steps=50_000,
        batch=1,
        learning_rate=1e-4,
        schedule="constant",
        weight_decay=0.0,
        evaluate_every=1000,
        augmentation=PAPER_AUGMENTATION,
    ),
)
PRESETS = {"default": DEFAULT, "paper": PAPER}


def fine_tuning(config: TrainingConfig) -> TrainingConfig:
    """Return the schedule for going on with a few frames from weights that know a lot.

    A tenth of the steps at a fifth of the rate: enough to follow corrections, too little to forget.
    """
    steps = max(config.steps // 10, 1)
    return replace(
        config,
        steps=steps,
        learning_rate=config.learning_rate / 5,
        evaluate_every=max(min(config.evaluate_every, steps // 4), 1),
    )
