"""A policy that learns while it picks: the trainer and the weights in service in one process."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from grasp_affordance.affordance.network.checkpoint import write_checkpoint
from grasp_affordance.affordance.network.compact_model import CompactModel
from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.learning.decision import Decision, DecisionConfig, History, decide_in
from grasp_affordance.learning.exploration import ExplorationSchedule
from grasp_affordance.learning.trainer import Trainer, TrainingReport
from grasp_affordance.learning.training_samples import (
    TEACHING,
    bare_training_sample,
    evaluated_training_sample,
)
from grasp_affordance.policies.policy import View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Selection, Source


class LearningPolicy(Protocol):
    """A `policies.Policy` that is told what became of its choices."""

    @property
    def name(self) -> str:
        """Return the name that goes into attempts and reports."""

    @property
    def version(self) -> str:
        """Return the weights in service, which make the next choice."""

    @property
    def attempts(self) -> int:
        """Return how many attempts it has been told of."""

    @property
    def exploration(self) -> float:
        """Return the present probability of an exploratory pick."""

    def choose(self, view: View) -> Selection:
        """Return ranked points; see `policies.Policy`."""

    def learn(self, attempt: GraspAttempt) -> TrainingReport:
        """Learn from a pick at a point of the view that was chosen in last.

        Args:
            attempt: says which weights chose it.
        """

    def export(self, path: Path) -> None:
        """Write the weights in service as a checkpoint for `affordance.model.load_model`."""


@dataclass(frozen=True)
class OnlineConfig:
    """How the default learner picks while it learns.

    Attributes:
        predictor: which points it offers; cup and memory come with the view.
        schedule: of random picks; none by default, because every pick teaches and a robot that
            works should not fail on purpose.
        decision: what it tries besides.
    """

    predictor: PredictorConfig = field(
        default_factory=lambda: PredictorConfig(source=Source.LEARNED)
    )
    schedule: ExplorationSchedule = field(default_factory=lambda: ExplorationSchedule(start=0.0))
    decision: DecisionConfig = field(default_factory=DecisionConfig)


class OnlinePolicy:
    """Picks with the weights that a `Trainer` has in service."""

    name = "online"

    def __init__(self, trainer: Trainer, config: OnlineConfig | None = None) -> None:
        self.trainer = trainer
        self.config = config or OnlineConfig()
        self._model: CompactModel | None = None
        self._decided: tuple[RgbdFrame, Decision] | None = None

    @property
    def version(self) -> str:
        """See `LearningPolicy`."""
        return self.trainer.state.version

    @property
    def attempts(self) -> int:
        """See `LearningPolicy`."""
        return self.trainer.state.consumed

    @property
    def exploration(self) -> float:
        """See `LearningPolicy`."""
        return self.config.schedule.probability(self.trainer.state.attempts)

    def choose(self, view: View) -> Selection:
        """See `LearningPolicy`."""
        history = History(self.attempts, self.trainer.state.successes, self.exploration)
        config = self.config
        selection, decision = decide_in(
            view, config.predictor, self._serving(), config.decision, history
        )
        self._decided = None if decision is None else (view.frame, decision)
        return selection

    def learn(self, attempt: GraspAttempt) -> TrainingReport:
        """See `LearningPolicy`."""
        training_sample = bare_training_sample(attempt)
        if attempt.outcome in TEACHING and self._decided is not None:
            frame, decision = self._decided
            network = self.trainer.config.learner.network
            training_sample = evaluated_training_sample(
                attempt, frame, decision.prediction, network
            )
        return self.trainer.consume(training_sample)

    def export(self, path: Path) -> None:
        """See `LearningPolicy`."""
        write_checkpoint(path, self.trainer.deployed)

    def _serving(self) -> CompactModel:
        if self._model is None or self._model.version != self.version:
            self._model = CompactModel(self.trainer.deployed, str(self.trainer.learner.device))
        return self._model
