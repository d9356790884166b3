"""A policy that learns while it picks: the trainer and the weights in service in one process."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.exploring import Exploration, explore
from grasp_affordance.affordance.network.checkpoint import read_checkpoint, write_checkpoint
from grasp_affordance.affordance.network.compact_model import CompactModel
from grasp_affordance.affordance.predictor import (
    AffordancePredictor,
    Prediction,
    PredictorConfig,
)
from grasp_affordance.attempt import GraspAttempt
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.learning.exploration import ExplorationSchedule, explores
from grasp_affordance.learning.novelty_exploration import (
    NoveltyConfig,
    NoveltyExploration,
    points_to_try,
)
from grasp_affordance.learning.trainer import Trainer, TrainingReport
from grasp_affordance.learning.training_samples import (
    TEACHING,
    bare_training_sample,
    evaluated_training_sample,
)
from grasp_affordance.policies.policy import ABSTAIN_BELOW, View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Rejection, Selection, Source


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

    @property
    def looks_back(self) -> bool:
        """Return whether it learns from the view after a pick."""

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
        kind: of exploration.
        schedule: of exploration; none by default, because every pick teaches and a robot that
            works should not fail on purpose.
        min_probability: of success below which it would rather not pick.
        novelty exploration: when it picks all the same.
        seed: of its choices.
    """

    predictor: PredictorConfig = field(
        default_factory=lambda: PredictorConfig(source=Source.LEARNED)
    )
    kind: Exploration = Exploration.MEMBER
    schedule: ExplorationSchedule = field(default_factory=lambda: ExplorationSchedule(start=0.0))
    min_probability: float = ABSTAIN_BELOW
    novelty: NoveltyConfig = field(default_factory=NoveltyConfig)
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.min_probability <= 1 or self.seed < 0:
            raise ConfigError("online: min_probability must lie in [0, 1], seed not be negative")


class OnlinePolicy:
    """Picks with the weights that a `Trainer` has in service."""

    name = "online"

    def __init__(self, trainer: Trainer, config: OnlineConfig | None = None) -> None:
        self.trainer = trainer
        self.config = config or OnlineConfig()
        self._novelty = NoveltyExploration(self.config.novelty, self.config.seed)
        self._model: CompactModel | None = None
        self._evaluated: tuple[RgbdFrame, Prediction, BinView] | None = None

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

    @property
    def looks_back(self) -> bool:
        """See `LearningPolicy`."""
        return self.trainer.config.learner.alike.places > 0

    def choose(self, view: View) -> Selection:
        """See `LearningPolicy`."""
        offered = self.config.predictor
        candidates = replace(offered.candidates, min_probability=self.config.min_probability)
        config = replace(offered, cup=view.cup, candidates=candidates)
        model = self._serving()
        known = BinView(T_base_camera=view.T_base_camera, bin=view.bin)
        self._evaluated = None
        try:
            predictor = AffordancePredictor(config, model)
            prediction = predictor.predict(view.frame, known, view.failures)
            self._evaluated = (view.frame, prediction, known)
            if explores(self.exploration, self.config.seed, self.attempts):
                rng = np.random.default_rng([self.config.seed, 13, self.attempts])
                return explore(view.frame, prediction, model, self.config.kind, rng, candidates)
            if prediction.selection.points:
                return prediction.selection
            return self._try_all_the_same(view.frame, prediction, model, config)
        except FrameError:
            return Selection((), {Rejection.UNUSABLE_FRAME: 1})

    def _try_all_the_same(
        self,
        frame: RgbdFrame,
        prediction: Prediction,
        model: CompactModel,
        config: PredictorConfig,
    ) -> Selection:
        what = self._novelty.tries(self.attempts, self.trainer.state.successes)
        return points_to_try(what, frame, prediction, model, config.source, config.candidates)

    def learn(self, attempt: GraspAttempt) -> TrainingReport:
        """See `LearningPolicy`."""
        training_sample = bare_training_sample(attempt)
        if attempt.outcome in TEACHING and self._evaluated is not None:
            learner = self.trainer.config.learner
            training_sample = evaluated_training_sample(
                attempt, *self._evaluated, learner, self.attempts
            )
        return self.trainer.consume(training_sample)

    def export(self, path: Path) -> None:
        """See `LearningPolicy`."""
        write_checkpoint(path, read_checkpoint(self.trainer.folder / self.trainer.state.checkpoint))

    def _serving(self) -> CompactModel:
        if self._model is None or self._model.version != self.version:
            path = self.trainer.folder / self.trainer.state.checkpoint
            self._model = CompactModel(read_checkpoint(path), str(self.trainer.learner.device))
        return self._model


def ungated(config: PredictorConfig) -> PredictorConfig:
    """Return a predictor that keeps no place on an object from the map.

    For learning without prior knowledge: the limits on slope, edges and holes are some.
    """
    candidates = replace(
        config.candidates, max_tilt=math.pi / 2, edge_radii=0.0, hole_radii=0.0, wall_margin=0.0
    )
    return replace(config, candidates=candidates)
