"""Whether a bin that would be handed back is tried all the same: the dice are cast once per bin."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from grasp_affordance.affordance.candidates import CandidateConfig
from grasp_affordance.affordance.exploring import novel
from grasp_affordance.affordance.predictor import Prediction, best_anyway
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.exploration import ExplorationSchedule
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Selection, Source

_LOOKS = 12  # at a bin before it is handed over: ten with nothing to offer, and some before

_SALT = 17  # tells these draws from those of exploration


class Try(StrEnum):
    """What is tried where nothing reaches the success rate that is asked for."""

    NOTHING = "nothing"
    BEST = "best"  # the best point all the same
    NOVEL = "novel"  # the place least like all that was tried, if it is strange at all


@dataclass(frozen=True)
class NoveltyConfig:
    """How often who learns tries something in a bin that would be handed back.

    Attributes:
        unlikely to succeed: probability of the best point: what is held for unlikely to succeed
            stays put to the test.
        novel: probability of an novel place at the first attempt, else. Without it, who
            has learned where not to pick an object leaves the rest of it untried for ever.
        decay: attempts in which that falls to a fifth.
        warm-up: successes before which it always tries the best: who has had few knows
            little yet.
    """

    below_threshold: float = 0.05
    novel: float = 0.5
    decay: float = 200.0
    warm_up_successes: int = 8

    def __post_init__(self) -> None:
        if not (0 <= self.below_threshold <= 1 and 0 <= self.novel <= 1):
            raise ConfigError(
                "novelty exploration: unlikely to succeed and novel must lie in [0, 1]"
            )
        if self.decay <= 0 or self.warm_up_successes < 0:
            raise ConfigError("novelty exploration: decay must be positive, warm-up not negative")


class NoveltyExploration:
    """Decides for views in which nothing reaches the success rate that is asked for.

    A cell looks at such a bin several times before it hands it over. Dice that were cast anew at
    each look would try the same bad point in two of five bins, not in one of twenty. So a result
    stands until an attempt is made, or until as many looks as one bin gets are over: a learner that
    holds everything for unlikely to succeed is not left with that for ever.
    """

    def __init__(self, config: NoveltyConfig, seed: int) -> None:
        self._config, self._seed = config, seed
        self._unfamiliar = ExplorationSchedule(config.novel, config.decay)
        self._attempts, self._looks = -1, 0

    def tries(self, attempts: int, successes: int) -> Try:
        """Return what is tried.

        Args:
            attempts, successes: so far.
        """
        config = self._config
        if successes < config.warm_up_successes:
            return Try.BEST
        if attempts != self._attempts:
            self._attempts, self._looks = attempts, 0
        bins, self._looks = self._looks // _LOOKS, self._looks + 1
        dice = np.random.default_rng([self._seed, _SALT, attempts, bins]).random(2)
        if dice[0] < config.below_threshold:
            return Try.BEST
        if dice[1] < self._unfamiliar.probability(attempts):
            return Try.NOVEL
        return Try.NOTHING


def points_to_try(
    what: Try,
    frame: RgbdFrame,
    prediction: Prediction,
    model: object,
    source: Source,
    config: CandidateConfig,
) -> Selection:
    """Return the points that a result means, in a view that offers nothing by itself.

    Args:
        prediction: of this frame.
        model: behind it.
        source: of the map.
        config: which points may be offered; its threshold is not applied.
    """
    match what:
        case Try.BEST:
            return best_anyway(prediction, source, config)
        case Try.NOVEL:
            found = novel(frame, prediction, model, config)
            return found if found.points else prediction.selection
        case Try.NOTHING:
            return prediction.selection
