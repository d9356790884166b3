"""The learner finds out where the cup lands from outcomes alone, and stays put without an error."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from grasp_affordance.affordance.compact import CompactConfig
from grasp_affordance.affordance.features import CHANNELS
from grasp_affordance.affordance.grid import MetricGrid
from grasp_affordance.affordance.observation import Observation
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.aim import AimConfig, better_aim, neighbours
from grasp_affordance.learning.judging import member_probabilities, probabilities_at
from grasp_affordance.learning.learner import LearnerConfig, OnlineLearner

NETWORK = CompactConfig(members=2, width=8, dilations=(1, 2), use_prior=False)
SIZE = 40


def landscape(number: int) -> Observation:
    """A synthetic view whose channel 4 (slope) changes over a few cells, as on an object."""
    rng = np.random.default_rng([8, number])
    features = np.zeros((len(CHANNELS), SIZE, SIZE), dtype=np.float32)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    phase, waves = rng.uniform(0, 2 * np.pi, 2), rng.uniform(0.45, 0.6, 2)
    features[4] = np.sin(waves[0] * rows + phase[0]) + np.sin(waves[1] * columns + phase[1])
    grid = MetricGrid(0, 0, SIZE, SIZE, SIZE, SIZE, (SIZE, SIZE), NETWORK.resolution)
    return Observation(grid, features, np.zeros((SIZE, SIZE), dtype=np.float32))


def taught(offset: tuple[int, int], attempts: int) -> OnlineLearner:
    """Return a learner whose cup succeeds on low slope, `offset` cells beside where it aims."""
    search = AimConfig(reach=3, first=40)
    learner = OnlineLearner(
        LearnerConfig(network=NETWORK, steps=3, batch=32, jitter=0, learning_rate=5e-3, aim=search)
    )
    for number in range(attempts):
        view = landscape(number)
        row, column = (int(i) for i in np.random.default_rng([9, number]).integers(8, SIZE - 8, 2))
        success = view.features[4, row + offset[0], column + offset[1]] < 0
        learner.learn(learner.example(view, column, row, float(success)))
    return learner


@pytest.mark.parametrize("offset", [(0, 0), (2, -1)])
def test_the_learner_finds_where_the_cup_lands(offset: tuple[int, int]) -> None:
    found = np.array(taught(offset, 120).aim)
    assert np.abs(found - offset).max() <= 1
    assert np.hypot(*(found - offset)) < max(1.1, np.hypot(*offset) - 1)


def test_a_prior_that_promises_too_much_does_not_push_the_aim_away() -> None:
    # Picks are made where the prior is highest, so it promises less at every other aim.
    network = CompactConfig(members=2, width=8, dilations=(1, 2))
    learner = OnlineLearner(LearnerConfig(network=network, steps=1, batch=8, learning_rate=1e-9))
    middle = SIZE // 2
    rows, columns = np.mgrid[:SIZE, :SIZE] - middle
    for number in range(160):
        view, rng = landscape(number), np.random.default_rng([10, number])
        width = rng.uniform(2.0, 6.0)
        prior = (5.0 * np.exp(-(rows**2 + columns**2) / (2 * width**2))).astype(np.float32)
        view = Observation(view.grid, view.features, prior)
        learner.learn(learner.example(view, middle, middle, float(rng.random() < 0.5)))
    assert learner.aim == (0, 0)


@pytest.mark.parametrize("aim", [(0, 0), (1, -2), (3, 0), (-3, 3)])
def test_what_is_predicted_beside_an_aim_is_what_is_predicted_with_that_aim(
    aim: tuple[int, int],
) -> None:
    learner = OnlineLearner(LearnerConfig(network=replace(NETWORK, use_prior=True), jitter=0))
    examples = []
    for number in range(35):  # not a whole number of blocks
        rng = np.random.default_rng([11, number])
        prior = rng.normal(size=(SIZE, SIZE)).astype(np.float32)
        view = Observation(landscape(number).grid, landscape(number).features, prior)
        u, v = (int(i) for i in rng.integers(0, SIZE, 2))
        examples.append(learner.example(view, u, v, 1.0))
    near = probabilities_at(learner.network, examples, (aim, *neighbours(aim, 3)))
    assert set(near) == {aim, *neighbours(aim, 3)}
    for there, predicted in near.items():
        weights = {**learner.weights(), "aim": torch.tensor(there)}
        expected = member_probabilities(weights, learner.config.network, examples).mean(axis=1)
        np.testing.assert_allclose(predicted, expected, atol=1e-6)


def test_a_neighbour_must_explain_the_attempts_better_beyond_chance() -> None:
    rng = np.random.default_rng(0)
    noise = {aim: rng.normal(0.0, 0.3, 100) for aim in [(0, 0), *neighbours((0, 0), 3)]}
    gains = {(1, 0): 0.2}

    def losses(aim: tuple[int, int]) -> np.ndarray:
        return 0.5 + noise[aim] - gains.get(aim, 0.0)

    assert better_aim((0, 0), losses, AimConfig()) == (1, 0)
    gains.clear()
    assert better_aim((0, 0), losses, AimConfig(doubt=4.0)) == (0, 0)


def test_the_search_stays_within_reach() -> None:
    assert len(neighbours((0, 0), 3)) == 8
    assert set(neighbours((3, -3), 3)) == {(2, -3), (3, -2), (2, -2)}


def test_a_negative_reach_is_refused() -> None:
    with pytest.raises(ConfigError, match="reach"):
        AimConfig(reach=-1)
