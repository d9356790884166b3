"""How often the robot picks in order to learn: the paper's schedule."""

from dataclasses import dataclass

import numpy as np

from grasp_affordance.errors import ConfigError


@dataclass(frozen=True)
class ExplorationSchedule:
    """p = start * 5^(-n / decay), equation 4 of the suction paper.

    Attributes:
        start: probability of a random pick at the first attempt.
        decay: N_ep, attempts in which it falls to a fifth.
    """

    start: float = 0.5
    decay: float = 1000.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.start <= 1.0 and self.decay > 0):
            raise ConfigError("exploration: start must lie in [0, 1] and decay be positive")

    def probability(self, attempts: int) -> float:
        """Return the probability of a random pick after this many attempts."""
        return self.start * 5.0 ** (-attempts / self.decay)


def explores(probability: float, seed: int, attempt: int) -> bool:
    """Return whether attempt number `attempt` explores; the same for the same seed, for ever."""
    return bool(generator(seed, attempt).random() < probability)


def generator(seed: int, attempt: int) -> np.random.Generator:
    """Return the generator of one attempt: no state to save, so a resumed run draws the same."""
    return np.random.default_rng([seed, 11, attempt])
