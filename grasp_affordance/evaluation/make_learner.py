"""The one place where a preset's name becomes a policy that learns."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from grasp_affordance.affordance.candidates import ABSTAIN_BELOW
from grasp_affordance.affordance.predictor import PredictorConfig
from grasp_affordance.affordance.shipped import weights_file
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.decision import DecisionConfig
from grasp_affordance.learning.exploration import ExplorationSchedule
from grasp_affordance.learning.first_weights import begin_or_resume
from grasp_affordance.learning.online import LearningPolicy, OnlineConfig, OnlinePolicy
from grasp_affordance.learning.trainer import TrainerConfig
from grasp_affordance.papers.suction.learner import SuctionPaperConfig
from grasp_affordance.papers.suction.policy import PaperPolicy
from grasp_affordance.papers.suction.pretraining import PretrainConfig
from grasp_affordance.suction import Source


@dataclass(frozen=True)
class LearnerOptions:
    """Who learns, and how.

    Attributes:
        preset: `default`, or `paper` for the suction paper's Algorithm 1 with its network.
        prior: start from the analytic seal prior (default preset).
        weights: checkpoint to begin with instead of random weights (default preset); `shipped` for
            the one that comes with the package.
        exploration_start: probability of an exploratory pick at first; by default 0.5 in the
            paper's preset (equation 4), and in the default one 0 with the prior, 1 without.
        exploration_decay: attempts in which it falls to a fifth; by default 1000 in the paper's
            preset, 40 in the default one.
        min_probability: of success below which the default preset would rather not pick.
        novelty: probability at first of trying, in a bin that would be handed back, the place least
            like all that was tried where the cup would seal (default preset); by default 0.5 with
            the prior, and 0 without, which does not know where that is.
        trainer: of the default preset.
        paper: of the paper's preset.
        pretrain: on coarsely labelled views before the first attempt (paper's preset, figure 7).
        device: on which it learns and predicts, as torch names it: cpu, cuda.
    """

    preset: Literal["default", "paper"] = "default"
    prior: bool = True
    weights: Path | None = None
    exploration_start: float | None = None
    exploration_decay: float | None = None
    min_probability: float = ABSTAIN_BELOW
    novelty: float | None = None
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    paper: SuctionPaperConfig = field(default_factory=SuctionPaperConfig)
    pretrain: PretrainConfig = field(default_factory=PretrainConfig)
    device: str = "cpu"

    def __post_init__(self) -> None:
        if self.preset == "paper" and self.weights is not None:
            raise ConfigError(
                "the paper's preset begins with --paper.network.weights; leave out --weights"
            )
        if self.preset != "paper" and self.pretrain.images:
            raise ConfigError("only the paper's preset is pretrained; leave out --pretrain.images")


def make_learner(options: LearnerOptions, seed: int, folder: Path) -> LearningPolicy:
    """Build a policy that learns, or one that goes on where it stopped.

    Args:
        options: who, and how.
        seed: of initial weights and every draw; takes the place of the options' own.
        folder: of its state.

    Raises:
        CheckpointError: the state is damaged or of other options; weights cannot be had.
    """
    if options.preset == "paper":
        paper = replace(options.paper, network=replace(options.paper.network, decoder_seed=seed))
        return PaperPolicy(paper, folder, _schedule(options, 0.5, 1000.0), seed, options.device)
    network = replace(options.trainer.learner.network, use_prior=options.prior)
    learner = replace(options.trainer.learner, network=network, seed=seed)
    weights = options.weights and weights_file(options.weights)
    trainer = begin_or_resume(
        replace(options.trainer, learner=learner), folder, weights, options.device
    )
    return OnlinePolicy(trainer, _online(options, seed))


def novelty_of(options: LearnerOptions) -> float:
    """Return how often options make the default preset try what is novel, at first."""
    if options.novelty is not None:
        return options.novelty
    return DecisionConfig.novelty if options.prior else 0.0


def _online(options: LearnerOptions, seed: int) -> OnlineConfig:
    predictor = PredictorConfig(source=Source.LEARNED)
    candidates = replace(predictor.candidates, min_probability=options.min_probability)
    return OnlineConfig(
        predictor=replace(predictor, candidates=candidates),
        schedule=_schedule(options, 0.0 if options.prior else 1.0, 40.0),
        decision=DecisionConfig(novelty=novelty_of(options), seed=seed),
    )


def _schedule(options: LearnerOptions, start: float, decay: float) -> ExplorationSchedule:
    given = (options.exploration_start, options.exploration_decay)
    return ExplorationSchedule(
        *(d if g is None else g for g, d in zip(given, (start, decay), strict=True))
    )
