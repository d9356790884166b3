"""Which weights serve: a challenger must be no worse than the deployed model on what was picked.

No worse means: not worse beyond chance. A challenger has learned from one attempt more, and what
that shows can lie within the noise of the comparison; a gate that waits for proof of progress keeps
weights in service that have just failed.

Each member of the ensemble has never seen some of the replayed attempts (the learner's bootstrap).
Judged on those only, a model that merely remembers its attempts gains nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from grasp_affordance.affordance.network.compact import CompactConfig
from grasp_affordance.errors import ConfigError
from grasp_affordance.learning.evaluating import member_probabilities
from grasp_affordance.learning.probabilities import cross_entropy
from grasp_affordance.learning.replay import Example

State = Mapping[str, Tensor]


@dataclass(frozen=True)
class DeploymentConfig:
    """When weights change hands.

    Attributes:
        examples: newest replayed attempts on which both are evaluated.
        penalty: standard errors by which a challenger must be worse to be kept out.
        live_window: attempts over which live success is watched; exploratory ones do not count.
        drop: share of attempts by which it may fall below the best so far; beyond that, the weights
            that served at the best are put back.
        certainty: standard errors by which the fall must exceed chance besides. The best of many
            windows is a lucky one, so it takes more than usual: `research/benchmarks/rollback.py`
                says how
            often chance alone rolls back, and how soon a fall is found.
    """

    examples: int = 128
    penalty: float = 1.6
    live_window: int = 100
    drop: float = 0.15
    certainty: float = 4.5

    def __post_init__(self) -> None:
        if self.examples < 1 or self.live_window < 1 or not (0 < self.drop <= 1):
            raise ConfigError("deployed model: examples and live_window at least 1, drop in (0, 1]")
        if min(self.penalty, self.certainty) < 0:
            raise ConfigError("deployed model: doubt and certainty must not be negative")


def replay_losses(
    state: State,
    config: CompactConfig,
    examples: list[Example],
    seen: NDArray[np.float32],
    device: str | torch.device = "cpu",
) -> NDArray[np.float64]:
    """Return the cross-entropy of weights on examples, by members that never saw them.

    Args:
        state: weights of a `CompactNetwork` of `config`.
        seen: (N, members) 1 where a member has learned from an example.

    Returns:
        (N,) nats; NaN for examples that every member has seen.
    """
    probability = member_probabilities(state, config, examples, device)
    labels = np.array([example.label for example in examples], dtype=np.float32)
    unseen = 1.0 - seen
    with np.errstate(invalid="ignore"):
        mean = (probability * unseen).sum(axis=1) / unseen.sum(axis=1)
    return np.where(np.isfinite(mean), cross_entropy(np.nan_to_num(mean), labels), np.nan)


def promotes(
    challenger: NDArray[np.float64], deployed: NDArray[np.float64], penalty: float
) -> bool:
    """Return whether the challenger may serve: it is not worse beyond chance.

    Args:
        challenger, deployed model: (N,) losses on the same examples; those that are NaN say
            nothing.
        penalty: standard errors of the paired differences.
    """
    worse = challenger - deployed
    worse = worse[np.isfinite(worse)]
    if not worse.size:  # nothing to compare yet
        return True
    return bool(worse.mean() <= penalty * worse.std() / np.sqrt(worse.size))


def rolls_back(live: float, best: float, config: DeploymentConfig) -> bool:
    """Return whether live success (NaN: not known) has fallen below the best, beyond chance.

    Chance is evaluated as for two proportions over `config.live_window` attempts each.
    """
    pooled = (live + best) / 2
    error = math.sqrt(2 * pooled * (1 - pooled) / config.live_window) if pooled < 1 else 0.0
    return best - live > max(config.drop, config.certainty * error)
