"""Where to pick: the one decision behind the affordance node, training, evaluation and the papers.

It keeps nothing. Its draws follow from the configured seed, the number of attempts so far and the
number of the bin, so that asking twice gives the same answer.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from grasp_affordance.affordance.bin.region import BinView
from grasp_affordance.affordance.exploring import explore, novel
from grasp_affordance.affordance.predictor import (
    AffordanceModel,
    AffordancePredictor,
    Prediction,
    PredictorConfig,
    best_anyway,
)
from grasp_affordance.errors import ConfigError, FrameError
from grasp_affordance.learning.exploration import ExplorationSchedule, explores
from grasp_affordance.policies.policy import View
from grasp_affordance.rgbd import RgbdFrame
from grasp_affordance.suction import Failures, Rejection, Selection

# They tell the draws of one attempt from each other.
_PLACE, _TRY = 13, 17


class Rule(StrEnum):
    """What is the best point of a map, and what is tried besides."""

    BEST = "best"  # of the smoothed map; a bin without a likely point is handed back, or explored
    EPSILON_GREEDY = "epsilon_greedy"  # Algorithm 1 of the suction paper: the highest pixel itself


@dataclass(frozen=True)
class DecisionConfig:
    """What a robot that learns tries besides the best point.

    Attributes:
        rule: `best`, or `epsilon_greedy`, which never hands a bin back while a pixel is left.
        below_threshold: probability, for each bin that would be handed back, that its best point is
            tried all the same: what is taken for unlikely stays put to the test.
        novelty: probability at the first attempt that, else, a place unlike all that was tried is.
            Without it, a robot that has learned where not to pick an object never tries the rest.
        novelty_decay: attempts in which that falls to a fifth.
        warm_up: successes before which the best point is always tried.
        seed: of all draws.
    """

    rule: Rule = Rule.BEST
    below_threshold: float = 0.05
    novelty: float = 0.5
    novelty_decay: float = 200.0
    warm_up: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not (0 <= self.below_threshold <= 1 and 0 <= self.novelty <= 1):
            raise ConfigError("decision: below_threshold and novelty must lie in [0, 1]")
        if self.novelty_decay <= 0 or min(self.warm_up, self.seed) < 0:
            raise ConfigError("decision: novelty_decay positive, warm_up and seed not negative")


@dataclass(frozen=True)
class History:
    """What a learner has done so far.

    Attributes:
        attempts: it has looked at, whatever came of them; the next one has this number.
        successes: of these.
        exploration: present probability of a random pick.
    """

    attempts: int = 0
    successes: int = 0
    exploration: float = 0.0


@dataclass(frozen=True, eq=False)
class Decision:
    """What was decided for one view.

    Attributes:
        prediction: of the view, and its best points.
        selection: points to pick at, best first, or the counted reasons why there are none.
    """

    prediction: Prediction
    selection: Selection


class Try(StrEnum):
    """What is tried in a view that offers nothing by itself."""

    NOTHING = "nothing"
    BEST = "best"  # the best point all the same
    NOVEL = "novel"  # the place least like all that was tried, if it is novel at all


def decide(
    frame: RgbdFrame,
    known: BinView,
    predictor: PredictorConfig,
    model: AffordanceModel | None = None,
    failures: Failures | None = None,
    config: DecisionConfig | None = None,
    history: History | None = None,
) -> Decision:
    """Decide where to pick in a frame.

    Args:
        frame: color and aligned depth.
        known: what is known about the bin and the camera's pose.
        predictor: source of the map, cup, and which points may be offered.
        model: behind a learned map.
        failures: what just failed in this bin, and the bin's number.
        config: rule, and what is tried besides.
        history: of the learner; None where nobody learns, and nothing is tried to learn from.

    Raises:
        FrameError: the frame cannot be used.
        CheckpointError: a learned map is asked for without a model.
    """
    config = config or DecisionConfig()
    failures = failures or Failures()
    if config.rule is Rule.EPSILON_GREEDY:
        highest = replace(
            predictor.candidates, min_probability=0.0, smoothing=0.0, failure_penalty=0.0
        )
        predictor = replace(predictor, candidates=highest)
    prediction = AffordancePredictor(predictor, model).predict(frame, known, failures)
    selection = prediction.selection
    if history is not None:
        tried = _to_learn_from(frame, prediction, model, config, history, failures.bin)
        selection = tried if tried.points else selection
    return Decision(prediction, selection)


def decide_in(
    view: View,
    predictor: PredictorConfig,
    model: AffordanceModel | None = None,
    config: DecisionConfig | None = None,
    history: History | None = None,
) -> tuple[Selection, Decision | None]:
    """Decide in a policy's view; a frame that cannot be used is a reason, and no error.

    Args:
        view: its cup takes the place of the predictor's; the others are those of `decide`.

    Returns:
        The points or reasons, and the decision behind them; None for an unusable frame.
    """
    known = BinView(T_base_camera=view.T_base_camera, bin=view.bin)
    predictor = replace(predictor, cup=view.cup)
    try:
        made = decide(view.frame, known, predictor, model, view.failures, config, history)
    except FrameError:
        return Selection((), {Rejection.UNUSABLE_FRAME: 1}), None
    return made.selection, made


def tries(config: DecisionConfig, history: History, bin_number: int) -> Try:
    """Return what is tried in a bin that offers nothing by itself.

    A cell looks at such a bin several times before it hands it back. Draws that were made anew at
    each look would try the same bad point in two of five bins, not in one of twenty. So there is
    one draw for a bin, until an attempt is made in it.
    """
    if history.successes < config.warm_up:
        return Try.BEST
    key = [config.seed, _TRY, history.attempts, bin_number]
    best, novel = np.random.default_rng(key).random(2)
    if best < config.below_threshold:
        return Try.BEST
    schedule = ExplorationSchedule(config.novelty, config.novelty_decay)
    return Try.NOVEL if novel < schedule.probability(history.attempts) else Try.NOTHING


def _to_learn_from(
    frame: RgbdFrame,
    prediction: Prediction,
    model: AffordanceModel | None,
    config: DecisionConfig,
    history: History,
    bin_number: int,
) -> Selection:
    """Return points that are tried to learn from; none where the best points are to be tried."""
    nothing = Selection((), {})
    if explores(history.exploration, config.seed, history.attempts):
        place = np.random.default_rng([config.seed, _PLACE, history.attempts])
        return explore(prediction, place)
    if prediction.selection.points or config.rule is Rule.EPSILON_GREEDY:
        return nothing
    match tries(config, history, bin_number):
        case Try.BEST:
            return best_anyway(prediction)
        case Try.NOVEL:
            return novel(frame, prediction, model)
        case Try.NOTHING:
            return nothing
