"""Which weights serve: a challenger must be no worse than the champion on what was picked.

Each member of the ensemble has never seen some of the replayed attempts (the learner's bootstrap).
Judged on those only, a model that merely remembers its attempts gains nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from grasp_affordance.affordance.compact import CompactConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.learner import member_probabilities
from grasp_affordance.learning.replay import Example

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class ChampionConfig:
    """When weights change hands.

    Attributes:
        examples: newest replayed attempts on which both are judged.
        live_window: attempts over which live success is watched.
        drop: share of attempts by which it may fall below the best so far; then the weights that
            served at the best are put back.
    """

    examples: int = 256
    live_window: int = 100
    drop: float = 0.15

    def __post_init__(self) -> None:
        if self.examples < 1 or self.live_window < 1 or not (0 < self.drop <= 1):
            raise ConfigError("champion: examples and live_window at least 1, drop in (0, 1]")


def replay_loss(
    state: State, config: CompactConfig, examples: list[Example], seen: NDArray[np.float32]
) -> float:
    """Return the mean cross-entropy of weights on examples, by members that never saw them.

    Args:
        state: weights of a `CompactNetwork` of `config`.
        seen: (N, members) 1 where a member has learned from an example.

    Returns:
        nats per example; NaN when every member has seen every example.
    """
    probability = member_probabilities(state, config, examples)
    labels = np.array([example.label for example in examples], dtype=np.float32)
    unseen = 1.0 - seen
    judged = unseen.sum(axis=1) > 0
    if not judged.any():
        return float("nan")
    mean = (probability * unseen).sum(axis=1)[judged] / unseen.sum(axis=1)[judged]
    p = np.clip(np.where(labels[judged] > 0.5, mean, 1.0 - mean), 1e-4, 1.0)
    return float(-np.log(p).mean())


def promotes(challenger_loss: float, champion_loss: float) -> bool:
    """Return whether the challenger may serve: it is no worse, or nothing could be compared yet."""
    return not challenger_loss > champion_loss


def rolls_back(live: float, best: float, config: ChampionConfig) -> bool:
    """Return whether live success has fallen too far below the best so far (NaN: not known)."""
    return live < best - config.drop
