"""Training samples of white noise, in which one channel decides: a trainer without a cell."""

import numpy as np
import torch

from grasp_affordance.affordance.network.compact import CompactConfig
from grasp_affordance.affordance.network.features import CHANNELS
from grasp_affordance.affordance.network.observation import Observation
from grasp_affordance.affordance.surface.grid import MetricGrid
from grasp_affordance.attempt import Outcome
from grasp_affordance.learning.learner import LearnerConfig
from grasp_affordance.learning.trainer import Trainer, TrainerConfig
from grasp_affordance.learning.training_samples import TrainingSample

NETWORK = CompactConfig(members=3, width=8, dilations=(1, 2))
LEARNER = LearnerConfig(network=NETWORK, steps=2, batch=16, newest=4)
CONFIG = TrainerConfig(learner=LEARNER)
SIZE = 24


def observation(number: int) -> Observation:
    """A synthetic view: white noise in every channel."""
    rng = np.random.default_rng([5, number])
    features = rng.normal(size=(len(CHANNELS), SIZE, SIZE)).astype(np.float32)
    grid = MetricGrid(0, 0, SIZE, SIZE, SIZE, SIZE, (SIZE, SIZE), NETWORK.resolution)
    return Observation(grid, features, np.zeros((SIZE, SIZE), dtype=np.float32))


def training_sample(number: int) -> TrainingSample:
    """A pick in a synthetic view in which channel 4 (slope) decides, at a random cell."""
    view = observation(number)
    u, v = (int(i) for i in np.random.default_rng([6, number]).integers(0, SIZE, 2))
    success = view.features[4, v, u] < 0
    return TrainingSample(Outcome.SUCCESS if success else Outcome.FAILURE, 0.5, view, u, v)


def same_weights(a: Trainer, b: Trainer) -> bool:
    pairs = zip(a.learner.weights().values(), b.learner.weights().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)
