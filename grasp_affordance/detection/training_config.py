"""How a detector is trained, and the two presets."""

from dataclasses import dataclass, field
from typing import Literal

from grasp_affordance.annotation.jaw import JawConfig
from grasp_affordance.detection.augmentation import AugmentationConfig
from grasp_affordance.detection.dense_network import DenseConfig
from grasp_affordance.detection.model import NetworkConfig
from grasp_affordance.errors import ConfigError


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
    steps: int = 2000
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
