"""With the prior, few failures change little and many change much; without it all count at once."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers.synthetic_training_samples import observation

from grasp_affordance.affordance.network.compact import CompactConfig
from grasp_affordance.affordance.network.features import CHANNELS
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.learner import LearnerConfig, OnlineLearner
from grasp_affordance.learning.replay import Example

PRIOR = 2.0  # logit: what is tried looks good and fails


def change(attempts: int, anchor: float, *, use_prior: bool = True) -> float:
    """Return how far the logit moves in so many failures, in the mean over first weights."""
    return float(np.mean([_change(attempts, anchor, use_prior, seed) for seed in range(4)]))


def _change(attempts: int, anchor: float, use_prior: bool, seed: int) -> float:
    network = CompactConfig(members=2, width=8, dilations=(1, 2), use_prior=use_prior)
    config = LearnerConfig(network, anchor=anchor, batch=16, steps=2, seed=seed)
    learner = OnlineLearner(config)
    size = 2 * network.reach + 1
    rng = np.random.default_rng(0)
    patch = rng.normal(size=(len(CHANNELS), size, size)).astype(np.float16)
    seen = torch.from_numpy(patch[None].astype(np.float32))
    logit = torch.tensor([PRIOR if use_prior else 0.0])

    def now() -> float:
        with torch.inference_mode():
            return float(learner.network.forward_cells(seen, logit).mean())

    before = now()
    for _ in range(attempts):
        learner.learn(Example(patch, PRIOR, label=0.0))
    return before - now()


def test_few_failures_hardly_overrule_the_prior_and_thirty_do() -> None:
    assert abs(change(4, 8.0)) < 0.6 * change(4, 0.0)
    assert change(30, 2.0) > 1.2
    assert change(30, 2.0) > 3 * change(2, 2.0)


def test_a_learner_without_the_prior_is_not_held_back() -> None:
    assert change(2, 2.0, use_prior=False) == change(2, 0.0, use_prior=False)


def first_change(anchor: float) -> float:
    """Return how far probabilities have moved from those of given weights after two failures."""
    network = CompactConfig(members=2, width=8, dilations=(1, 2), use_prior=False)
    config = LearnerConfig(network=network, anchor=anchor, batch=16, steps=2)
    learner, view = OnlineLearner(config), observation(0)
    given = OnlineLearner(replace(config, seed=7))
    for number in range(12):
        given.learn(given.example(observation(number), 9, 9, 1.0))
    learner.begin_with(given.weights())
    before = learner.predict(view).probability
    np.testing.assert_array_equal(before, given.predict(view).probability)
    for number in (20, 21):
        learner.learn(learner.example(observation(number), 5, 5, 0.0))
    return float(np.abs(learner.predict(view).probability - before).mean())


def test_what_was_learned_before_is_not_upset_by_the_first_failures_either() -> None:
    assert first_change(8.0) < 0.7 * first_change(0.0)


def test_an_anchor_below_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="anchor"):
        LearnerConfig(anchor=-1.0)
